import type {
  Chain,
  ChainHook,
  ChainRule,
  Counter,
  Family,
  Hook,
  Instant,
  Ipset,
  IpsetSnapshot,
  NftListing,
  Reject,
  RulesetSnapshot,
  Table,
} from '@whydrop/model';
import { quoted } from '../listing/extras.js';
import { parseRuleText } from '../rule-syntax.js';
import { type BaseChain, baseChainsOf } from '../base-chains.js';
import { logWords, markWords, matchWords, notUnderstood, verdictWords, type Matches } from './expression.js';
import { list, number, object, text, under, type Json, type JsonObject } from './json.js';
import { setOf } from './sets.js';

/** A native nftables ruleset of one family, in the words of iptables, with what a walk needs beside it. */
export interface NftRuleset {
  readonly ruleset: RulesetSnapshot;
  readonly ipsets: IpsetSnapshot;
  readonly baseChains: readonly BaseChain[];
}

const HOOKS: Readonly<Record<string, Hook>> = {
  prerouting: 'PREROUTING',
  input: 'INPUT',
  forward: 'FORWARD',
  output: 'OUTPUT',
  postrouting: 'POSTROUTING',
};

const FAMILIES: Readonly<Record<string, readonly Family[]>> = { ip: ['inet'], ip6: ['inet6'], inet: ['inet', 'inet6'] };

type ObjectKind = 'table' | 'chain' | 'rule' | 'set' | 'map' | 'counter';

/** Objects of a listing by kind, those of other families left out. */
class Listing {
  readonly #objects: readonly Json[];
  readonly #family: Family;

  constructor(objects: readonly Json[], family: Family) {
    this.#objects = objects;
    this.#family = family;
  }

  of(kind: ObjectKind): readonly JsonObject[] {
    return this.#objects
      .map((each) => object(under(each, kind)))
      .filter((each) => each !== undefined)
      .filter((each) => FAMILIES[text(each['family']) ?? '']?.includes(this.#family) ?? false);
  }

  named(kind: ObjectKind, table: string, name: string): JsonObject | undefined {
    return this.of(kind).find((each) => each['table'] === table && each['name'] === name);
  }
}

function counterOf(value: Json): Counter | undefined {
  const [packets, bytes] = [number(under(value, 'packets')), number(under(value, 'bytes')) ?? 0];
  if (packets === undefined || !Number.isInteger(packets) || !Number.isInteger(bytes)) return undefined;
  return { packets: BigInt(packets), bytes: BigInt(bytes) };
}

/** What one nft rule becomes: matches so far, and the lines with their targets. */
interface Draft {
  matches: string[];
  never: boolean;
  counter: Counter | undefined;
  readonly lines: { readonly words: readonly string[]; readonly counter: Counter | undefined }[];
}

function addMatches(draft: Draft, matches: Matches): void {
  if (matches === 'never') draft.never = true;
  else draft.matches.push(...matches);
}

function addLine(draft: Draft, target: string, extra: readonly string[] = []): void {
  draft.lines.push({ words: [...draft.matches, ...extra, target], counter: draft.counter });
}

/** Elements of a verdict map, anonymous or named: key and verdict. */
function elementsOf(listing: Listing, table: string, data: Json): readonly (readonly [Json, JsonObject])[] {
  const named = typeof data === 'string' ? listing.named('map', table, data.replace(/^@/, '')) : undefined;
  const elements = named ? list(named['elem']) : list(under(data, 'set'));
  return elements.flatMap((element) => {
    const [key, verdict] = list(element);
    const value = object(verdict);
    return value ? [[key, value] as const] : [];
  });
}

/** A verdict map becomes one line per element; a random choice one line per element with its probability. */
function addMap(draft: Draft, vmap: JsonObject, listing: Listing, table: string, family: Family): void {
  const elements = elementsOf(listing, table, vmap['data']);
  const isRandom = under(vmap['key'], 'numgen') !== undefined;
  for (const [i, [key, verdict]] of elements.entries()) {
    const target = verdictWords(verdict);
    if (target === undefined) continue;
    const chance = (1 / (elements.length - i)).toFixed(11);
    const words = isRandom
      ? [`-m statistic --mode random --probability ${chance}`]
      : matchWords({ op: '==', left: vmap['key'], right: key }, family);
    if (words !== 'never') addLine(draft, target, words);
  }
}

function addStatement(draft: Draft, statement: JsonObject, listing: Listing, table: string, family: Family): void {
  const [name = ''] = Object.keys(statement);
  const argument = statement[name];
  const verdict = verdictWords(statement);
  if (verdict !== undefined) return addLine(draft, verdict);
  switch (name) {
    case 'match':
      return addMatches(draft, matchWords(object(argument) ?? {}, family));
    case 'counter':
      draft.counter =
        typeof argument === 'string' ? counterOf(listing.named('counter', table, argument)) : counterOf(argument);
      return;
    case 'log':
      return addLine(draft, logWords(argument));
    case 'limit':
      return void draft.matches.push('-m limit --limit 1/second');
    case 'vmap':
      return addMap(draft, object(argument) ?? {}, listing, table, family);
    case 'mangle': {
      const words = markWords(object(argument) ?? {});
      if (words !== undefined) addLine(draft, `-j ${words}`);
      return;
    }
    case 'xt':
      return addXt(draft, argument);
    default:
      addMatches(draft, notUnderstood(statement));
  }
}

/** Matches and targets of iptables-nft: their arguments are not in the JSON. */
function addXt(draft: Draft, argument: Json): void {
  const name = text(under(argument, 'name')) ?? '';
  if (under(argument, 'type') === 'target') addLine(draft, `-j ${name}`);
  else if (name !== 'comment') draft.matches.push(`-m xt-${name} --lost`);
}

function draftOf(rule: JsonObject, listing: Listing, family: Family): Draft {
  const table = text(rule['table']) ?? '';
  const draft: Draft = { matches: [], never: false, counter: undefined, lines: [] };
  for (const statement of list(rule['expr'])) addStatement(draft, object(statement) ?? {}, listing, table, family);
  return draft;
}

/** A rule of an `inet` table counts both families in one number: it stands once, with IPv4 where that can match at all. */
function isCountedElsewhere(rule: JsonObject, listing: Listing, family: Family): boolean {
  return family === 'inet6' && rule['family'] === 'inet' && !draftOf(rule, listing, 'inet').never;
}

function rulesOf(rule: JsonObject, listing: Listing, family: Family): readonly Omit<ChainRule, 'position'>[] {
  const draft = draftOf(rule, listing, family);
  if (draft.never) return [];
  const isElsewhere = isCountedElsewhere(rule, listing, family);
  const lines = draft.lines.length > 0 ? draft.lines : [{ words: draft.matches, counter: draft.counter }];
  const comment = text(rule['comment']);
  return lines.map(({ words, counter }) =>
    ruleOf(text(rule['chain']) ?? '', words, comment, isElsewhere ? undefined : counter),
  );
}

/** Basic options come first in iptables' words; the comment before the matches' own options. */
function ruleOf(chain: string, words: readonly string[], comment: string | undefined, counter: Counter | undefined) {
  const rank = (word: string) => (/^(! )?-[sdiop] /.test(word) ? 0 : /^-[jg] /.test(word) ? 2 : 1);
  const ordered = [...new Set(words)].toSorted((a, b) => rank(a) - rank(b));
  const basic = ordered.filter((word) => rank(word) === 0);
  const rest = ordered.filter((word) => rank(word) !== 0);
  const said = comment === undefined ? [] : [`-m comment --comment ${quoted(comment)}`];
  const ruleText = [`-A ${chain}`, ...basic, ...said, ...rest].join(' ');
  const { target, isGoto } = parseRuleText(ruleText);
  return { text: ruleText, target, isGoto, comments: comment === undefined ? [] : [comment], counter };
}

function chainsOf(listing: Listing, table: string, family: Family): readonly Chain[] {
  const rules = listing.of('rule').filter((rule) => rule['table'] === table);
  return listing
    .of('chain')
    .filter((chain) => chain['table'] === table)
    .map((chain) => {
      const own = rules
        .filter((rule) => rule['chain'] === chain['name'])
        .flatMap((rule) => rulesOf(rule, listing, family));
      const policy = text(chain['policy'])?.toUpperCase();
      return {
        name: text(chain['name']) ?? '',
        policy: policy === 'DROP' || policy === 'ACCEPT' ? policy : undefined,
        // A chain policy of nftables does not count.
        counter: undefined,
        rules: own.map((rule, i) => ({ position: i + 1, ...rule })),
        ...placeOf(chain),
      };
    });
}

function placeOf(chain: JsonObject): { readonly base?: ChainHook } {
  const hook = HOOKS[text(chain['hook']) ?? ''];
  const type = text(chain['type']);
  if (hook === undefined || (type !== 'filter' && type !== 'nat' && type !== 'route')) return {};
  return { base: { hook, type, priority: number(chain['prio']) ?? 0 } };
}

function setsOf(listing: Listing, table: string): readonly Ipset[] {
  return listing
    .of('set')
    .filter((set) => set['table'] === table)
    .map(setOf)
    .filter((set) => set !== undefined);
}

function rulesetOf(objects: readonly Json[], family: Family, observedAt: Instant): NftRuleset {
  const listing = new Listing(objects, family);
  const tables = listing.of('table').map((table): Table => {
    const name = text(table['name']) ?? '';
    return { name, chains: chainsOf(listing, name, family), sets: setsOf(listing, name) };
  });
  const ruleset = { kind: 'ruleset', observedAt, family, backend: 'nftables', otherBackendPresent: false } as const;
  const sets = tables.flatMap((table) => table.sets ?? []);
  const whole: RulesetSnapshot = { ...ruleset, tables };
  return { ruleset: whole, ipsets: { kind: 'ipsets', observedAt, sets }, baseChains: baseChainsOf(whole) ?? [] };
}

function parsed(payload: string): readonly Json[] | undefined {
  try {
    const value: Json = JSON.parse(payload);
    const objects = under(value, 'nftables');
    return Array.isArray(objects) ? objects : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads `nft -j list ruleset` for one family: what kube-router, kube-proxy and Calico write in nftables mode, and plain
 * tables. Rules come back in the words of iptables, so that everything that reads rules reads these too; what has no such
 * words stays undecided. Tables made by iptables-nft lose the arguments of their matches here: read iptables-save for
 * them. Format: nftables `src/json.c`, libnftables-json(5).
 */
export function parseNftRuleset(payload: string, family: Family, observedAt: Instant): NftRuleset | Reject {
  const objects = parsed(payload);
  if (objects) return rulesetOf(objects, family, observedAt);
  const detail = 'Expected the JSON of nft -j list ruleset: an object with a list nftables.';
  return { kind: 'reject', line: 1, reason: 'UNKNOWN_SYNTAX', detail, raw: payload.slice(0, 4096) };
}

/** Names that iptables-nft gives its tables; their base chains are called like the hooks. */
const IPTABLES_TABLES = new Set(['raw', 'mangle', 'nat', 'filter', 'security']);

function isOfIptables({ name, chains }: Table): boolean {
  const bases = chains.filter(({ base }) => base !== undefined);
  return IPTABLES_TABLES.has(name) && bases.length > 0 && bases.every((chain) => chain.name === chain.base?.hook);
}

/**
 * The native tables of a listing, one ruleset per family that has any. Tables of iptables-nft are left out: iptables-save
 * tells them whole, and twice counted would be wrong.
 */
export function nativeRulesets({ objects, observedAt }: NftListing): readonly RulesetSnapshot[] {
  return (['inet', 'inet6'] as const).flatMap((family) => {
    const { ruleset } = rulesetOf(objects, family, observedAt);
    const tables = ruleset.tables.filter((table) => !isOfIptables(table));
    return tables.length === 0 ? [] : [{ ...ruleset, tables }];
  });
}
