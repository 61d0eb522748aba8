import type { Chain, Instant, Table } from '@whydrop/model';
import { joinRuleset } from '../write/ruleset-rows.js';
import { Params } from './condition.js';
import { instantParam, microsOf } from './page.js';
import type { Reader, Statement } from './reader.js';

/** A rule of a node as its last snapshot before an instant had it. `position` null: the chain's policy. */
export interface ChainRuleRow {
  readonly cluster: string;
  readonly node: string;
  readonly family: string;
  readonly backend: string;
  readonly observedAt: Instant;
  readonly table: string;
  readonly chain: string;
  readonly position: number | null;
  readonly text: string;
  readonly target: string | null;
  readonly comments: readonly string[];
  readonly packets: string | null;
  readonly bytes: string | null;
}

/** The last snapshot of each family and backend of these nodes, not older than a day before the instant. */
export function rulesetsStatement(cluster: string, nodes: readonly string[], at: Instant): Statement {
  const params = new Params();
  const instant = instantParam(params, at);
  const text = `
SELECT DISTINCT ON (e.node, r.family, r.backend) c.name AS cluster, e.node, r.family, r.backend,
       ${microsOf('r.observed_at')} AS "observedAt", s.tables, r.counters::text[] AS counters
FROM ruleset_snapshot r
JOIN emitter e ON e.id = r.emitter_id
JOIN cluster c ON c.id = e.cluster_id
JOIN ruleset s ON s.hash = r.ruleset_hash
WHERE c.name = ${params.add(cluster, 'text')} AND e.node = ANY (${params.add(nodes, 'text[]')})
  AND r.observed_at <= ${instant} AND r.observed_at > ${instant} - interval '1 day'
ORDER BY e.node, r.family, r.backend, r.observed_at DESC, r.batch_id DESC`;
  return { text, values: params.values };
}

interface Raw {
  readonly cluster: string;
  readonly node: string;
  readonly family: string;
  readonly backend: string;
  readonly observedAt: bigint;
  readonly tables: readonly Table[];
  readonly counters: readonly string[] | null;
}

function rulesOf(
  chain: Chain,
): readonly Omit<ChainRuleRow, 'cluster' | 'node' | 'family' | 'backend' | 'observedAt' | 'table'>[] {
  const counted = (counter: Chain['counter']) => ({
    packets: counter ? String(counter.packets) : null,
    bytes: counter ? String(counter.bytes) : null,
  });
  const rules = chain.rules.map(({ position, text, target, comments, counter }) => {
    return { chain: chain.name, position, text, target: target ?? null, comments, ...counted(counter) };
  });
  if (chain.policy === undefined) return rules;
  const text = `:${chain.name} ${chain.policy}`;
  return [
    ...rules,
    { chain: chain.name, position: null, text, target: chain.policy, comments: [], ...counted(chain.counter) },
  ];
}

/** Runs a statement that gives rulesets: their rules in the order in which iptables-save prints them. */
export async function readChainRules(reader: Reader, statement: Statement): Promise<readonly ChainRuleRow[]> {
  const rows = await reader.rows<Raw>(statement);
  return rows.flatMap(({ cluster, node, family, backend, observedAt, tables, counters }) => {
    const place = { cluster, node, family, backend, observedAt: Number(observedAt) };
    const joined = joinRuleset(tables, (counters ?? []).map(BigInt));
    return joined.flatMap((table) =>
      table.chains.flatMap((chain) => rulesOf(chain).map((rule) => ({ ...place, table: table.name, ...rule }))),
    );
  });
}
