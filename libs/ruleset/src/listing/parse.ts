import type { Chain, ChainRule, Counter, Family, Instant, Reject, RulesetSnapshot } from '@whydrop/model';
import { quoted, readExtras } from './extras.js';

/** What a listing does not say about itself. */
export interface ListingContext {
  readonly observedAt: Instant;
  readonly family?: Family;
  /** Table, where no command line in the text names it; `filter` when absent. */
  readonly table?: string;
}

/** Every listing found in a text, in order: a chain that comes again begins the next one. */
export interface ParsedListing {
  readonly snapshots: readonly RulesetSnapshot[];
  readonly rejects: readonly Reject[];
}

const HEAD =
  /Chain (\S+) \((?:policy (ACCEPT|DROP|REJECT|-) (\d+[KMGTP]?) packets, (\d+[KMGTP]?) bytes|\d+ references)\)/g;
const COLUMNS = /^\s*(?:num\s+)?pkts\s+bytes\s+target\s+prot\s+opt\s+in\s+out\s+source\s+destination\s*/;
const COUNT = String.raw`\d+[KMGTP]?`;
const PROTOCOL = String.raw`!?(?:all|tcp|udp|udplite|icmp|icmpv6|ipv6-icmp|sctp|dccp|esp|ah|gre|ipip|\d{1,3})`;
const NAME = String.raw`!?(?:\*|[\w.@:+-]{1,16})`;
const ADDRESS = String.raw`!?(?:\d{1,3}(?:\.\d{1,3}){3}(?:\/[\d.]+)?|[\da-f:]*::?[\da-f:.]*(?:\/[\da-f:]+)?|anywhere)`;
/** One rule up to its destination. A rule without target leaves that column empty. */
const RULE = new RegExp(
  String.raw`(?:^|\s)(?:\d+\s+)?(${COUNT})\s+(${COUNT})\s+(?:(\S+)\s+)?(${PROTOCOL})\s+(?:--|-f|!f)\s+(${NAME})\s+(${NAME})\s+(${ADDRESS})\s+(${ADDRESS})(?=\s|$)`,
  'gi',
);

const UNITS: Readonly<Record<string, bigint>> = {
  K: 10n ** 3n,
  M: 10n ** 6n,
  G: 10n ** 9n,
  T: 10n ** 12n,
  P: 10n ** 15n,
};

/** `12K` is what iptables prints without -x; what it cut off is lost. */
function count(text: string): bigint {
  const unit = UNITS[text.slice(-1)];
  return unit === undefined ? BigInt(text) : BigInt(text.slice(0, -1)) * unit;
}

function counter(packets: string | undefined, bytes: string | undefined): Counter | undefined {
  return packets === undefined ? undefined : { packets: count(packets), bytes: count(bytes ?? '0') };
}

const PROTOCOLS: Readonly<Record<string, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'ipv6-icmp', 132: 'sctp' };

function option(name: string, text: string, everything: readonly string[]): readonly string[] {
  const negated = text.startsWith('!');
  const value = negated ? text.slice(1) : text;
  return everything.includes(value) ? [] : [`${negated ? '! ' : ''}${name} ${value}`];
}

const ANY_ADDRESS = ['0.0.0.0/0', '::/0', 'anywhere'];

function address(name: string, text: string): readonly string[] {
  return option(name, text, ANY_ADDRESS).map((found) => {
    if (found.includes('/')) return found;
    return `${found}/${found.includes(':') ? 128 : 32}`;
  });
}

function ruleOf(chain: string, found: RegExpExecArray, extras: string, position: number): ChainRule {
  const [, packets, bytes, target, protocol = 'all', input = '*', output = '*', source = '', destination = ''] = found;
  const { matches, comments, targetOptions, isGoto } = readExtras(extras);
  const spelled = protocol.replace(/\d+$/, (number) => PROTOCOLS[number] ?? number);
  const words = [
    `-A ${chain}`,
    ...address('-s', source),
    ...address('-d', destination),
    ...option('-i', input, ['*']),
    ...option('-o', output, ['*']),
    ...option('-p', spelled, ['all', '0']),
    ...comments.map((comment) => `-m comment --comment ${quoted(comment)}`),
    ...matches,
    ...(target === undefined ? [] : [`${isGoto ? '-g' : '-j'} ${target}`, ...targetOptions]),
  ];
  return { position, text: words.join(' '), target, isGoto, comments, counter: counter(packets, bytes) };
}

/** The rules of one chain. With line breaks each line is one rule; where they were lost a rule ends where the next begins. */
function rulesOf(chain: string, body: string): readonly ChainRule[] | undefined {
  const starts = [...body.matchAll(RULE)];
  const [first] = starts;
  const before = first ? body.slice(0, first.index) : body;
  // A prompt or prose may follow the last chain of a listing, but nothing may stand before a rule.
  if (first && before.trim() !== '') return undefined;
  return starts.map((found, i) => {
    const end = starts[i + 1]?.index ?? body.length;
    const rest = body.slice(found.index + found[0].length, end);
    return ruleOf(chain, found, ownText(rest), i + 1);
  });
}

/** A rule's own text ends with its line; behind the last rule a prompt or a blank line may follow. */
function ownText(rest: string): string {
  const [line = ''] = rest.split('\n', 1);
  return line
    .replace(/\s*\[[^\]]*@[^\]]*\][#$].*$/, '')
    .replace(/\s+/g, ' ')
    .trim();
}

function reject(raw: string, line: number, detail: string): Reject {
  return { kind: 'reject', line, reason: 'UNKNOWN_SYNTAX', detail, raw: raw.slice(0, 4096) };
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

function chainOf(found: RegExpExecArray, body: string): Chain | undefined {
  const columns = COLUMNS.exec(body);
  if (!columns) return undefined;
  const name = found[1] ?? '';
  const rules = rulesOf(name, body.slice(columns[0].length));
  const policy = found[2] === 'ACCEPT' || found[2] === 'DROP' ? found[2] : undefined;
  return rules && { name, policy, counter: counter(found[3], found[4]), rules };
}

/** Table a command line in front of the chains names: `iptables -nxvL X -t filter`, also with the next word glued on. */
function tableBefore(text: string): string | undefined {
  return /\biptables\b[^\n]*?(?:-t|--table)\s+(filter|nat|mangle|raw|security)[^\n]*\s*$/.exec(text)?.[1];
}

interface Listing {
  readonly table: string;
  readonly chains: Chain[];
}

/** Chains go into one listing until one of them comes again. */
function intoListing(listings: Listing[], table: string, chain: Chain): void {
  const current = listings.at(-1);
  const comesAgain = current?.chains.some(({ name }) => name === chain.name) ?? true;
  if (current && !comesAgain && current.table === table) current.chains.push(chain);
  else listings.push({ table, chains: [chain] });
}

/**
 * Reads `iptables -nvL` and `-nxvL` listings as people paste them: with prompts and prose around them, and with line
 * breaks lost. Rules come back in the words of iptables-save. A text whose columns or rules are damaged is refused with
 * the reason: half-read counters would be worse than none. Format: iptables `iptables/iptables.c` (print_firewall).
 */
export function parseListing(text: string, context: ListingContext): ParsedListing {
  const heads = [...text.matchAll(HEAD)];
  const listings: Listing[] = [];
  const rejects: Reject[] = [];
  if (heads.length === 0) rejects.push(reject(text, 1, NO_HEAD));
  let table = context.table ?? 'filter';
  for (const [i, found] of heads.entries()) {
    const from = i === 0 ? 0 : (heads[i - 1]?.index ?? 0);
    table = tableBefore(text.slice(from, found.index)) ?? table;
    const body = text.slice(found.index + found[0].length, heads[i + 1]?.index ?? text.length);
    const chain = chainOf(found, body);
    if (chain) intoListing(listings, table, chain);
    else rejects.push(reject(found[0] + body, lineOf(text, found.index), NO_COLUMNS));
  }
  return { snapshots: listings.map((listing) => snapshot(listing, context)), rejects };
}

const NO_HEAD =
  'No chain of an iptables listing: expected `Chain NAME (… references)` or `Chain NAME (policy …)` as iptables prints it. Words, case or blanks seem to have been changed.';
const NO_COLUMNS =
  'Expected the columns `pkts bytes target prot opt in out source destination` (iptables -nvL) and one rule after the other.';

function snapshot({ table, chains }: Listing, context: ListingContext): RulesetSnapshot {
  return {
    kind: 'ruleset',
    observedAt: context.observedAt,
    family: context.family ?? 'inet',
    backend: 'legacy',
    otherBackendPresent: false,
    tables: [{ name: table, chains }],
  };
}
