import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { decodeStream, isReject, type Decoded, type FormatId, type StreamContext } from '@whydrop/decoders';
import type { Family, InterfaceSnapshot, IpsetSnapshot, RulesetSnapshot } from '@whydrop/model';
import { createOwnerIndex, parseListing, walkPacket, type OwnerIndex, type WalkResult } from '@whydrop/ruleset';
import { loadState, type CheckIo } from '../check/index.js';
import { UsageError } from '../errors.js';
import { parsePacket } from './packet.js';
import { WalkText } from './text.js';

/** test/house/help.spec.ts holds the help against them. */
export const OPTIONS = {
  ruleset: { type: 'string', short: 'r' },
  ipset: { type: 'string', multiple: true },
  packet: { type: 'string', short: 'p', multiple: true },
  manifests: { type: 'string', short: 'm' },
  interfaces: { type: 'string' },
  all: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

const CONTEXT: StreamContext = { observedFrom: 0, observedTo: undefined, firstLine: 1, attributes: {} };

async function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => Promise.reject(new UsageError(`${file}: cannot be read`)));
}

/** What a file holds of one kind of record; anything it cannot read ends the command with the line. */
async function decoded<Kind extends 'ruleset' | 'ipsets' | 'interfaces'>(file: string, format: FormatId, kind: Kind) {
  const found: Extract<Decoded, { kind: Kind }>[] = [];
  for (const item of decodeStream(format, await textOf(file), CONTEXT)) {
    if (isReject(item)) throw new UsageError(`${file}: line ${item.line}: ${item.detail}`);
    if (item.kind === kind) found.push(item as (typeof found)[number]);
  }
  return found;
}

/** Rulesets of a file: an iptables-save (one per backend), or a listing as `iptables -nvL` prints it. */
async function rulesetsOf(file: string, family: Family): Promise<readonly RulesetSnapshot[]> {
  const text = await textOf(file);
  if (/^\*(raw|mangle|nat|filter|security)$/m.test(text)) {
    return decoded(file, family === 'inet' ? 'iptables-save' : 'ip6tables-save', 'ruleset');
  }
  const { snapshots, rejects } = parseListing(text, { observedAt: 0, family });
  const [first] = rejects;
  if (first) throw new UsageError(`${file}: line ${first.line}: ${first.detail}`);
  return snapshots.slice(-1);
}

async function setsOf(files: readonly string[]): Promise<IpsetSnapshot | undefined> {
  if (files.length === 0) return undefined;
  const snapshots = await Promise.all(files.map((file) => decoded(file, 'ipset-save', 'ipsets')));
  return { kind: 'ipsets', observedAt: 0, sets: snapshots.flat().flatMap(({ sets }) => sets) };
}

async function addressesOf(file: string | undefined): Promise<readonly string[] | undefined> {
  if (file === undefined) return undefined;
  const snapshots: readonly InterfaceSnapshot[] = await decoded(file, 'interfaces', 'interfaces');
  return snapshots.flatMap(({ interfaces }) => interfaces.flatMap(({ addresses }) => addresses));
}

async function ownersOf(folder: string | undefined, io: CheckIo): Promise<OwnerIndex | undefined> {
  if (folder === undefined) return createOwnerIndex({ pods: [], policies: [] });
  const state = await loadState(folder, { at: undefined, verbose: false, skipInvalid: false }, io);
  return state && createOwnerIndex({ pods: state.pods, policies: state.others });
}

/** 1 when the packet is surely stopped. */
function exitCode(results: readonly WalkResult[]): number {
  const stopped = results.some(
    ({ certain, outcomes }) => certain && outcomes.every(({ verdict }) => verdict === 'drop' || verdict === 'reject'),
  );
  return stopped ? 1 : 0;
}

/**
 * `whydrop explain --ruleset FILE [--ipset FILE] --packet 'in=… src=… dst=… proto=tcp dport=80'`: runs packets through a
 * ruleset and prints the rules on their way, who wrote them, and which one decides. Exit code 1: it is stopped.
 */
export async function runExplainPacket(args: string[], io: CheckIo): Promise<number> {
  const { values } = parseArgs({ args, options: OPTIONS });
  if (values.ruleset === undefined) throw new UsageError('--ruleset FILE is missing (iptables-save -c)');
  if (!values.packet) throw new UsageError("--packet 'in=… src=… dst=… proto=tcp dport=80' is missing");
  const asked = values.packet.map(parsePacket);
  const ipsets = await setsOf(values.ipset ?? []);
  const localAddresses = await addressesOf(values.interfaces);
  const owners = await ownersOf(values.manifests, io);
  if (!owners) return 2;
  const results: WalkResult[] = [];
  for (const one of asked) {
    const family = one.packet.tuple.source.includes(':') ? 'inet6' : 'inet';
    const rulesets = await rulesetsOf(values.ruleset, family);
    if (rulesets.length === 0) throw new UsageError(`${values.ruleset}: there is no ruleset in it`);
    for (const ruleset of rulesets) {
      const more = localAddresses ? { localAddresses } : {};
      const result = walkPacket({ ruleset, ipsets, packet: one.packet, withMisses: values.all ?? false, ...more });
      const text = new WalkText(ruleset, owners);
      io.stdout(values.json ? `${JSON.stringify(text.json(result))}\n` : `${text.answer(one, result)}\n`);
      results.push(result);
    }
  }
  return exitCode(results);
}
