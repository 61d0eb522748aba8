import type { ChainHook, Ipset, RulesetSnapshot } from '@whydrop/model';

/** A base chain of a native nftables table, which has a name and a priority of its own. */
export interface BaseChain extends ChainHook {
  readonly table: string;
  readonly chain: string;
}

/** Base chains of a snapshot of native tables; undefined where chains have their places by their names (iptables). */
export function baseChainsOf({ backend, tables }: RulesetSnapshot): readonly BaseChain[] | undefined {
  if (backend !== 'nftables') return undefined;
  return tables.flatMap(({ name: table, chains }) =>
    chains.flatMap(({ name: chain, base }) => (base ? [{ table, chain, ...base }] : [])),
  );
}

/** Sets that rules of a snapshot can ask: its own, where it has them, else the node's ipsets. */
export function setsFor(ruleset: RulesetSnapshot, ipsets: readonly Ipset[] | undefined): readonly Ipset[] | undefined {
  return ruleset.backend === 'nftables' ? ruleset.tables.flatMap(({ sets }) => sets ?? []) : ipsets;
}
