import type { Chain, ChainRule, Counter, RulesetSnapshot, Table } from '@whydrop/model';

/** One rule with the place it was found at. */
export interface LocatedRule {
  readonly table: string;
  readonly chain: string;
  readonly rule: ChainRule;
}

/**
 * How the value of a counter came about: `counted` both snapshots have the rule and the counter grew; `reset` it went
 * down, or another counter of the chain did; `appeared` the rule is new; `vanished` the rule is gone, and with it what
 * it counted since the first snapshot.
 */
export type CounterChange = 'counted' | 'reset' | 'appeared' | 'vanished';

/** What one rule, or one chain policy, counted between two snapshots. */
export interface CounterDelta {
  readonly table: string;
  readonly chain: string;
  /** The rule as the later snapshot has it (the earlier one when it vanished); undefined: the chain policy. */
  readonly rule: ChainRule | undefined;
  readonly chainPolicy: 'ACCEPT' | 'DROP' | undefined;
  readonly packets: bigint;
  readonly bytes: bigint;
  /** The numbers are a lower bound: something of the window was lost. */
  readonly reset: boolean;
  readonly change: CounterChange;
}

const ZERO: Counter = { packets: 0n, bytes: 0n };

/** Packets that no machine counts between two looks: such a number was set (`iptables-restore -c`), or is damaged. */
export const MOST_COUNTED = 2n ** 53n;

/** Calls `visit` for each rule of a chain with its identity inside the chain: its text and which of its equals it is. */
function eachIdentity(chain: Chain, visit: (identity: string, rule: ChainRule) => void): void {
  const seen = new Map<string, number>();
  for (const rule of chain.rules) {
    const text = rule.text.trim();
    const occurrence = (seen.get(text) ?? 0) + 1;
    seen.set(text, occurrence);
    visit(occurrence === 1 ? text : `${text} #${occurrence}`, rule);
  }
}

/**
 * Every rule of a snapshot by its identity: table, chain, canonical text without counters, and which of its equals it
 * is. Never the position, which inserts shift. The text holds the chain, so the key reads `filter -A FORWARD … #2`.
 */
export function ruleKeys(snapshot: RulesetSnapshot): ReadonlyMap<string, LocatedRule> {
  const keys = new Map<string, LocatedRule>();
  for (const table of snapshot.tables) {
    for (const chain of table.chains) {
      eachIdentity(chain, (identity, rule) => {
        keys.set(`${table.name} ${identity}`, { table: table.name, chain: chain.name, rule });
      });
    }
  }
  return keys;
}

function identities(chain: Chain | undefined): Map<string, ChainRule> {
  const found = new Map<string, ChainRule>();
  if (chain) eachIdentity(chain, (identity, rule) => found.set(identity, rule));
  return found;
}

function wentDown(before: Counter | undefined, after: Counter | undefined): boolean {
  if (!before || !after) return false;
  return after.packets < before.packets || after.bytes < before.bytes;
}

interface Window {
  readonly table: string;
  readonly chain: string;
  /** Some counter of the chain went down: what the others show may be a fresh start as well. */
  readonly rewritten: boolean;
  /** The table was put back with the counters of a moment before: what a counter that went down shows is no count since. */
  readonly putBack: boolean;
}

type Difference = Pick<CounterDelta, 'packets' | 'bytes' | 'reset' | 'change'>;

function difference(before: Counter | undefined, after: Counter, window: Window): Difference {
  const found = ownDifference(before, after, window);
  return found.packets > MOST_COUNTED
    ? { ...ZERO, reset: true, change: found.change === 'counted' ? 'reset' : found.change }
    : found;
}

function ownDifference(before: Counter | undefined, after: Counter, { rewritten, putBack }: Window): Difference {
  if (!before) return { ...after, reset: true, change: 'appeared' };
  if (wentDown(before, after)) return { ...(putBack ? ZERO : after), reset: true, change: 'reset' };
  const packets = after.packets - before.packets;
  return { packets, bytes: after.bytes - before.bytes, reset: rewritten, change: rewritten ? 'reset' : 'counted' };
}

function ruleDelta(window: Window, old: ChainRule | undefined, rule: ChainRule): readonly CounterDelta[] {
  if (!rule.counter) return [];
  const delta = difference(old && (old.counter ?? ZERO), rule.counter, window);
  if (delta.packets === 0n && !wentDown(old?.counter, rule.counter)) return [];
  return [{ table: window.table, chain: window.chain, rule, chainPolicy: undefined, ...delta }];
}

function policyDelta(window: Window, old: Chain | undefined, chain: Chain): readonly CounterDelta[] {
  if (chain.policy === undefined || !chain.counter) return [];
  const delta = difference(old && (old.counter ?? ZERO), chain.counter, window);
  if (delta.packets === 0n && !wentDown(old?.counter, chain.counter)) return [];
  return [{ table: window.table, chain: window.chain, rule: undefined, chainPolicy: chain.policy, ...delta }];
}

function chainDeltas(
  table: string,
  before: Chain | undefined,
  after: Chain,
  { restored, putBack }: Rewrite,
): readonly CounterDelta[] {
  const old = identities(before);
  const now = identities(after);
  const rewritten =
    restored ||
    wentDown(before?.counter, after.counter) ||
    [...now].some(([identity, rule]) => wentDown(old.get(identity)?.counter, rule.counter));
  const window: Window = { table, chain: after.name, rewritten, putBack };
  return [
    ...[...now].flatMap(([identity, rule]) => ruleDelta(window, old.get(identity), rule)),
    ...vanished(table, after.name, old, now),
    ...policyDelta(window, before, after),
  ];
}

function vanished(
  table: string,
  chain: string,
  old: ReadonlyMap<string, ChainRule>,
  now: ReadonlyMap<string, ChainRule>,
): readonly CounterDelta[] {
  return [...old]
    .filter(([identity]) => !now.has(identity))
    .map(([, rule]) => ({
      table,
      chain,
      rule,
      chainPolicy: undefined,
      packets: 0n,
      bytes: 0n,
      reset: true,
      change: 'vanished',
    }));
}

/** Pairs of counters of one table that both snapshots have and that had counted something. */
function pairs(before: Table | undefined, after: Table): readonly (readonly [Counter, Counter])[] {
  const old = new Map(before?.chains.map((chain) => [chain.name, chain]));
  return after.chains.flatMap((chain) => {
    const known = identities(old.get(chain.name));
    const rules = [...identities(chain)].map(([identity, rule]) => [known.get(identity)?.counter, rule.counter]);
    return [...rules, [old.get(chain.name)?.counter, chain.counter]].flatMap(([then, now]) =>
      then && now && then.packets > 0n ? [[then, now] as const] : [],
    );
  });
}

/** The whole table was written anew: every counter that had counted went down (kube-router does that at each sync). */
function wasRestored(before: Table | undefined, after: Table): boolean {
  const known = pairs(before, after);
  return known.length > 0 && known.every(([then, now]) => wentDown(then, now));
}

/** How a table was written anew between two snapshots. */
interface Rewrite {
  readonly restored: boolean;
  readonly putBack: boolean;
}

/**
 * The table was saved with its counters and put back with them later (`iptables-restore -c`): what was counted between is
 * gone, the rest stands. A fresh start leaves most counters near zero; here none is, and several had counted.
 */
function wasPutBack(before: Table | undefined, after: Table): boolean {
  const known = pairs(before, after);
  const stands = ([then, now]: readonly [Counter, Counter]) => now.packets * 2n >= then.packets;
  return known.length > 1 && known.some(([then, now]) => wentDown(then, now)) && known.every(stands);
}

function tableDeltas(before: Table | undefined, after: Table): readonly CounterDelta[] {
  const old = new Map(before?.chains.map((chain) => [chain.name, chain]));
  const rewrite = { restored: wasRestored(before, after), putBack: wasPutBack(before, after) };
  const deltas = after.chains.flatMap((chain) => chainDeltas(after.name, old.get(chain.name), chain, rewrite));
  const names = new Set(after.chains.map((chain) => chain.name));
  const gone = [...old.values()].filter((chain) => !names.has(chain.name));
  return [...deltas, ...gone.flatMap((chain) => vanished(after.name, chain.name, identities(chain), new Map()))];
}

/**
 * What was counted between two snapshots of one node, family and backend: only counters that moved, went down, or whose
 * rule came or went. A counter that went down started again, so its new value is a lower bound; in a chain where one
 * counter went down (or a table where all did) every difference is one. Snapshots without counters give nothing.
 */
export function counterDeltas(before: RulesetSnapshot, after: RulesetSnapshot): readonly CounterDelta[] {
  const old = new Map(before.tables.map((table) => [table.name, table]));
  return after.tables.flatMap((table) => tableDeltas(old.get(table.name), table));
}

/** What the rule itself does to a packet it matches, when that is its end. Jumps to chains that drop are not followed. */
export function endsPacket(rule: ChainRule): 'drop' | 'reject' | undefined {
  if (rule.target === 'DROP') return 'drop';
  return rule.target === 'REJECT' ? 'reject' : undefined;
}
