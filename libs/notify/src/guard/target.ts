import { lookup as systemLookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { AllowList } from './allow-list.js';
import { isSpecial, unmapped } from './blocks.js';

/** Asks for all addresses of a name; rejects as DNS does. */
export type Lookup = (name: string) => Promise<readonly string[]>;

export const dnsLookup: Lookup = async (name) =>
  (await systemLookup(name, { all: true, verbatim: true })).map(({ address }) => address);

/** The one address that a message is sent to, looked up once and judged. */
export interface Target {
  readonly origin: string;
  readonly path: string;
  readonly address: string;
  readonly family: 4 | 6;
}

/** The address is not one we send to, and asking again would not change that. */
export class Refused extends Error {}

/** Ports a public receiver may have. */
export const PORTS: readonly number[] = [80, 443, 8080, 8443, 9093];

const ALLOW = 'an operator can open it with WHYDROP_WEBHOOK_ALLOW';

function parse(text: string): URL {
  if (!URL.canParse(text)) throw new Refused('is not an absolute URL');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new Refused('is neither https:// nor http://');
  if (url.username !== '' || url.password !== '') throw new Refused('holds a user or a password');
  return url;
}

async function addressesOf(host: string, lookup: Lookup): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [unmapped(host)];
  const addresses = (await lookup(host)).map(unmapped);
  if (addresses.length === 0) throw new Error(`${host} has no address`);
  return addresses;
}

function judge(url: URL, host: string, address: string, port: number, allow: AllowList): void {
  if (allow.allows(host, address, port)) return;
  if (isSpecial(address)) throw new Refused(`${host} is ${address}, which is no public address; ${ALLOW}`);
  if (url.protocol === 'http:') throw new Refused(`${host} is asked for by http://, which anybody can read; ${ALLOW}`);
  if (!PORTS.includes(port)) throw new Refused(`port ${port} is none of ${PORTS.join(', ')}; ${ALLOW}`);
}

/**
 * Looks a URL up once, judges every address of the answer, and names the one to connect to: a name that answers
 * otherwise a moment later leads nowhere. Throws Refused, or what the look-up failed with.
 */
export async function resolveTarget(text: string, allow: AllowList, lookup: Lookup): Promise<Target> {
  const url = parse(text);
  const host = url.hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const addresses = await addressesOf(host, lookup);
  for (const address of addresses) judge(url, host, address, port, allow);
  return targetOf(url, addresses[0] ?? '');
}

function targetOf(url: URL, address: string): Target {
  return { origin: url.origin, path: `${url.pathname}${url.search}`, address, family: isIP(address) === 4 ? 4 : 6 };
}

/** The same without judging: for targets that the operator's own surroundings name. */
export async function resolveTrusted(text: string, lookup: Lookup): Promise<Target> {
  const url = parse(text);
  const addresses = await addressesOf(url.hostname.replace(/^\[|\]$/g, ''), lookup);
  return targetOf(url, addresses[0] ?? '');
}
