import { isIP } from 'node:net';
import { type Block, opens, parseBlock } from './blocks.js';

/** One entry: what it names, and the only port it opens (undefined: all). */
interface Entry {
  readonly host: string | undefined;
  readonly block: Block | undefined;
  readonly port: number | undefined;
}

/** Targets that the operator opens by name: they may be private, speak plain HTTP and have any port. */
export interface AllowList {
  /** `host` as in a URL, `address` the one connected to. */
  allows(host: string, address: string, port: number): boolean;
}

const HOST = /^(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/;

function splitPort(text: string): readonly [string, string | undefined] {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text);
  if (bracketed) return [bracketed[1] ?? '', bracketed[2]];
  if (parseBlock(text)) return [text, undefined];
  const match = /^([^:]+)(?::(\d+))?$/.exec(text);
  return match ? [match[1] ?? '', match[2]] : [text, undefined];
}

function parseEntry(text: string, place: number): Entry {
  const [name, portText] = splitPort(text.toLowerCase());
  const port = portText === undefined ? undefined : Number(portText);
  const wrong = (why: string) => new Error(`WHYDROP_WEBHOOK_ALLOW, entry ${place} '${text}': ${why}`);
  if (port !== undefined && (port < 1 || port > 65_535)) throw wrong('is no port');
  const block = parseBlock(name);
  if (!block && !HOST.test(name))
    throw wrong('is no address, network (10.0.0.0/8) or host name, with or without :port');
  return { host: block ? undefined : name, block, port };
}

/** Whether a name may stand for this address: not for loopback, metadata and the like, which want their address named. */
function isOrdinary(address: string): boolean {
  const all: Block = isIP(address) === 4 ? { address: '0.0.0.0', bits: 0 } : { address: '::', bits: 0 };
  return opens(all, address);
}

/** Reads WHYDROP_WEBHOOK_ALLOW: networks, addresses and host names parted by commas. Throws an error that names the entry. */
export function parseAllowList(text: string | undefined): AllowList {
  const parts = (text ?? '').split(',').map((part) => part.trim());
  const entries = parts.flatMap((part, i) => (part === '' ? [] : [parseEntry(part, i + 1)]));
  return {
    allows: (host, address, port) =>
      entries.some((entry) => {
        if (entry.port !== undefined && entry.port !== port) return false;
        return entry.block ? opens(entry.block, address) : entry.host === host && isOrdinary(address);
      }),
  };
}
