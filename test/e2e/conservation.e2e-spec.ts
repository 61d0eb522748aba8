import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { batchesOf, ship, waitUntilWorked } from './delivery.js';
import { type Stack, startStack } from './stack.js';

// Captured from a real kernel: what its counters gained is held against what is told.
const BUNDLES = ['not-a-policy-calico-current', 'not-a-policy-kube-router', 'kube-router-sync'];
const DAY = { timeRange: { from: '2026-01-01T00:00:00Z', to: '2027-01-01T00:00:00Z' } };

interface Conserved {
  readonly packets: string;
  readonly attributed: string;
  readonly countedOnly: string;
  readonly unexplained: string;
  readonly excess: string;
  readonly isLowerBound: boolean;
}

interface Window extends Conserved {
  readonly node: string;
  readonly missing: readonly string[];
  readonly sentence: string;
  readonly chainRule: { readonly chain: string; readonly text: string } | null;
}

interface Answer {
  readonly counterConservation: {
    readonly totalCount: number;
    readonly nodes: readonly Window[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
  };
}

interface Total extends Conserved {
  readonly cluster: string;
  readonly key: string;
  readonly windows: number;
  readonly sentence: string | null;
}

const PARTS = 'packets attributed countedOnly unexplained excess isLowerBound';
const WINDOWS = `query ($filter: ConservationFilter!, $first: Int!, $after: String) {
  counterConservation(filter: $filter, first: $first, after: $after) {
    totalCount
    nodes { node ${PARTS} missing sentence chainRule { chain text } }
    pageInfo { hasNextPage endCursor }
  }
}`;
const TOTALS = `query ($filter: ConservationFilter!, $by: ConservationBy!) {
  counterConservationTotals(filter: $filter, by: $by) { cluster key windows sentence ${PARTS} }
}`;

const SCRAPE = `# TYPE weavenpc_blocked_connections_total counter
weavenpc_blocked_connections_total{dport="80"} 1
`;

// A drop that never was, blamed on a rule whose counter stands at nothing.
const INVENTED = `
  WITH one AS (
    SELECT d.* FROM "drop" d JOIN cluster c ON c.id = d.cluster_id JOIN explanation x ON x.id = d.explanation_id
     WHERE c.name = $2 AND x.body #>> '{chainRule,node}' = 'n2' ORDER BY d.first_seen_at LIMIT 1),
  told AS (
    INSERT INTO explanation (id, body)
    SELECT 'invented', jsonb_set(body, '{chainRule}', $1::jsonb) FROM explanation WHERE id = (SELECT explanation_id FROM one))
  INSERT INTO "drop" (first_seen_at, id, last_seen_at, cluster_id, group_id, explanation_id, connection_key, source,
                      source_port, destination, destination_port, protocol, attempts, packets, detail)
  SELECT first_seen_at, 'invented', first_seen_at, cluster_id, group_id, 'invented', -1, source, source_port, destination,
         destination_port, protocol, 1, 7, detail FROM one`;

const sum = (rows: readonly Conserved[], name: keyof Omit<Conserved, 'isLowerBound'>) =>
  rows.reduce((all, row) => all + BigInt(row[name]), 0n);

describe('conservation of counters', () => {
  let stack: Stack;
  let windows: readonly Window[];

  beforeAll(async () => {
    stack = await startStack('postgres');
    for (const name of BUNDLES) {
      await ship(stack, await batchesOf(path.resolve(import.meta.dirname, '../scenarios', name, 'bundle')));
    }
    await waitUntilWorked(stack, 120_000);
    const answer = await stack.client.query<Answer>(WINDOWS, { filter: DAY, first: 500 });
    windows = answer.counterConservation.nodes;
  }, 180_000);

  afterAll(() => stack.stop());

  it('the parts of every window add up to its counter, and nothing is told that no rule counted', () => {
    expect(windows.length).toBeGreaterThan(5);
    for (const row of windows) {
      expect(BigInt(row.attributed) + BigInt(row.countedOnly) + BigInt(row.unexplained)).toBe(BigInt(row.packets));
      expect({ ...row, excess: row.isLowerBound ? '0' : row.excess }).toEqual({ ...row, excess: '0' });
    }
    expect(sum(windows, 'attributed')).toBeGreaterThan(0n);
  });

  it('is listed page by page, and filtered', async () => {
    const first = await stack.client.query<Answer>(WINDOWS, { filter: DAY, first: 2 });
    const { endCursor: after } = first.counterConservation.pageInfo;
    const second = await stack.client.query<Answer>(WINDOWS, { filter: DAY, first: 2, after });
    const pages = [first, second].flatMap(({ counterConservation }) => counterConservation.nodes);
    expect(pages).toEqual(windows.slice(0, 4));
    expect(first.counterConservation.totalCount).toBe(windows.length);
    const filter = { ...DAY, node: { eq: 'n2' }, hasExcess: { eq: false } };
    const ofNode = await stack.client.query<Answer>(WINDOWS, { filter, first: 500 });
    expect(ofNode.counterConservation.nodes).toEqual(
      windows.filter(({ node, excess }) => node === 'n2' && excess === '0'),
    );
  });

  it.each(['RULE', 'NODE', 'CLUSTER'])('adds up by %s to the same sums', async (by) => {
    const { counterConservationTotals: totals } = await stack.client.query<{
      counterConservationTotals: readonly Total[];
    }>(TOTALS, { filter: DAY, by });
    for (const name of ['packets', 'attributed', 'countedOnly', 'unexplained', 'excess'] as const) {
      expect(sum(totals, name)).toBe(sum(windows, name));
    }
    expect(totals.every(({ sentence }) => (sentence !== null) === (by === 'RULE'))).toBe(true);
  });

  it('adds up by policy what its rules counted', async () => {
    const { counterConservationTotals: totals } = await stack.client.query<{
      counterConservationTotals: readonly Total[];
    }>(TOTALS, { filter: DAY, by: 'POLICY' });
    expect(totals.map(({ key }) => key)).toContain('shop/web-from-client');
    for (const { key, packets } of totals) {
      const filter = { ...DAY, policy: { eq: key } };
      const answer = await stack.client.query<Answer>(WINDOWS, { filter, first: 500 });
      expect(sum(answer.counterConservation.nodes, 'packets')).toBeGreaterThanOrEqual(BigInt(packets));
    }
  });

  it('is told under the namespace of the pod whose chain counted', async () => {
    const { rows } = await stack.database.pool.query<{ pod: string; namespace: string; kept: string | null }>(
      `SELECT w ->> 'pod' AS pod, w ->> 'namespace' AS namespace, CASE direction WHEN 'egress' THEN source_namespace ELSE destination_namespace END AS kept
         FROM counted_group, LATERAL (SELECT facts #> '{chainRule,owner,workload}' AS w) o WHERE w IS NOT NULL`,
    );
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.filter(({ namespace, kept }) => namespace !== kept)).toEqual([]);
  });

  it('drops told of a rule that counted nothing are an excess, not a negative rest', async () => {
    const folder = path.resolve(import.meta.dirname, '../scenarios/not-a-policy-calico-current/bundle');
    const file = readdirSync(path.join(folder, 'nodes/n2')).findLast((name) => name.startsWith('iptables.')) ?? '';
    const save = readFileSync(path.join(folder, 'nodes/n2', file), 'utf8');
    const [, text = '', chain = ''] = /^\[0:0\] (-A (cali-tw-\S+) .* -j DROP)$/m.exec(save) ?? [];
    expect(chain).not.toBe('');
    const rule = { node: 'n2', table: 'filter', chain, position: 1, text };
    await stack.database.pool.query(INVENTED, [rule, 'not-a-policy-calico-current']);
    // A scrape bears on what was counted, and on no connection: the invented one stays.
    const [ruleset] = (await batchesOf(folder)).filter(
      ({ envelope }) => envelope.node === 'n2' && envelope.format === 'iptables-save',
    );
    if (!ruleset) throw new Error('the bundle has no ruleset of n2');
    const envelope = { ...ruleset.envelope, format: 'prometheus-text', stream: 'metrics' };
    await ship(stack, [{ ...ruleset, envelope, payload: Buffer.from(SCRAPE) }]);
    await waitUntilWorked(stack);
    const filter = { ...DAY, hasExcess: { eq: true } };
    const answer = await stack.client.query<Answer>(WINDOWS, { filter, first: 500 });
    expect(answer.counterConservation.nodes).toMatchObject([
      {
        node: 'n2',
        packets: '0',
        attributed: '0',
        countedOnly: '0',
        unexplained: '0',
        excess: '7',
        chainRule: { text },
      },
    ]);
  });
});
