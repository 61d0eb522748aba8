import { createHash } from 'node:crypto';
import type { Chain, ChainRule, Counter, RulesetSnapshot, Table } from '@whydrop/model';

/** A ruleset without counters (stored once per content) and the counters of one snapshot of it. */
export interface SplitRuleset {
  readonly hash: string;
  readonly tables: readonly Table[];
  readonly counters: readonly bigint[];
}

const NONE = -1n;

function withoutCounter<T extends { readonly counter: Counter | undefined }>(value: T): T {
  return { ...value, counter: undefined };
}

/**
 * Splits a snapshot: what changes rarely (the rules) from what changes always (their counters), the latter as one flat
 * list in the rules' order: of each chain its policy's packets and bytes, then those of its rules; -1 where none was printed.
 */
export function splitRuleset(snapshot: RulesetSnapshot): SplitRuleset {
  const counters: bigint[] = [];
  const add = (counter: Counter | undefined) => counters.push(counter?.packets ?? NONE, counter?.bytes ?? NONE);
  const tables = snapshot.tables.map((table) => ({
    ...table,
    chains: table.chains.map((chain) => {
      add(chain.counter);
      for (const rule of chain.rules) add(rule.counter);
      return { ...withoutCounter(chain), rules: chain.rules.map(withoutCounter) };
    }),
  }));
  const identity = JSON.stringify([snapshot.family, snapshot.backend, tables]);
  return { hash: createHash('sha256').update(identity).digest('base64url'), tables, counters };
}

/** Puts the counters back: the reverse of splitRuleset. */
export function joinRuleset(tables: readonly Table[], counters: readonly bigint[]): readonly Table[] {
  let at = 0;
  const next = (): Counter | undefined => {
    const [packets = NONE, bytes = NONE] = [counters[at++], counters[at++]];
    return packets === NONE ? undefined : { packets, bytes };
  };
  const join = (chain: Chain): Chain => {
    const counter = next();
    return { ...chain, counter, rules: chain.rules.map((rule): ChainRule => ({ ...rule, counter: next() })) };
  };
  return tables.map((table) => ({ ...table, chains: table.chains.map(join) }));
}
