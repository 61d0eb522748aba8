import { jest } from '@jest/globals';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { joinRuleset } from '../../libs/storage/src/write/ruleset-rows.js';
import type { Table } from '@whydrop/model';
import { batchesOf, ship, waitUntilWorked } from './delivery.js';
import { type Stack, startStack } from './stack.js';

// The machine may be busy.
jest.setTimeout(120_000);

const CAPTURE = path.resolve(
  import.meta.dirname,
  '../../libs/decoders/src/nft-json/captures/table-with-sets-and-counters.json',
);
const TAKEN = 1_795_214_400;
const MANIFEST = `version: 1
cluster: hosts
from: 2026-11-20T22:40:00Z
to: 2026-11-20T22:41:00Z
nodes: { gate: { complete: [] } }
`;

interface Snapshot {
  readonly family: string;
  readonly backend: string;
  readonly tables: readonly Table[];
  readonly counters: readonly bigint[];
}

describe('native tables of nftables in a bundle', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'whydrop-nft-'));
  const node = path.join(folder, 'nodes/gate');
  let stack: Stack;
  let snapshots: readonly Snapshot[];

  beforeAll(async () => {
    mkdirSync(node, { recursive: true });
    writeFileSync(path.join(folder, 'bundle.yaml'), MANIFEST);
    cpSync(CAPTURE, path.join(node, `nft.${TAKEN}.json`));
    // Ten seconds later the rule has dropped four more.
    const later = readFileSync(CAPTURE, 'utf8').replaceAll('"packets": 3, "bytes": 180', '"packets": 7, "bytes": 420');
    writeFileSync(path.join(node, `nft.${TAKEN + 10}.json`), later);
    writeFileSync(path.join(node, `nft.${TAKEN + 20}.json`), '{"nftables": ');
    stack = await startStack('postgres');
    await ship(stack, await batchesOf(folder));
    await waitUntilWorked(stack);
    const { rows } = await stack.database.pool.query<Snapshot>(
      `SELECT s.family, s.backend, r.tables, s.counters FROM ruleset_snapshot s JOIN ruleset r ON r.hash = s.ruleset_hash
        ORDER BY s.observed_at, s.family`,
    );
    snapshots = rows;
  });

  afterAll(async () => {
    await stack.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('are rulesets of their own, one per family and moment; what iptables-nft made is not among them', () => {
    expect(snapshots.map(({ family, backend, tables }) => [family, backend, tables.map(({ name }) => name)])).toEqual([
      ['inet', 'nftables', ['fence', 'translate']],
      ['inet6', 'nftables', ['fence']],
      ['inet', 'nftables', ['fence', 'translate']],
      ['inet6', 'nftables', ['fence']],
    ]);
  });

  it('with their sets, places and counters', () => {
    const drops = snapshots.map(({ tables, counters }) => {
      const [fence] = joinRuleset(tables, counters.map(BigInt));
      expect(fence?.sets?.map(({ name }) => name)).toEqual(['friends', 'doors']);
      expect(fence?.chains[0]?.base).toEqual({ hook: 'INPUT', type: 'filter', priority: 0 });
      return fence?.chains.find(({ name }) => name === 'guard')?.rules.at(-1)?.counter?.packets;
    });
    // One number of both families stands once.
    expect(drops).toEqual([3n, undefined, 7n, undefined]);
  });

  it('what their drop rules counted is told', async () => {
    type Answer = { counterConservation: { nodes: { packets: string; chainRule: { chain: string } | null }[] } };
    const query = `query ($filter: ConservationFilter!) {
      counterConservation(filter: $filter, first: 50) { nodes { packets chainRule { chain } } } }`;
    const timeRange = { from: '2026-01-01T00:00:00Z', to: '2027-01-01T00:00:00Z' };
    const { counterConservation } = await stack.client.query<Answer>(query, { filter: { timeRange } });
    expect(counterConservation.nodes).toEqual([{ packets: '4', chainRule: { chain: 'guard' } }]);
  });

  it('half a listing is kept, and told', async () => {
    const { rows } = await stack.database.pool.query<{ reason: string; detail: string }>(
      'SELECT reason, detail FROM reject',
    );
    expect(rows).toEqual([
      { reason: 'UNKNOWN_SYNTAX', detail: expect.stringContaining('nft -j list ruleset') as string },
    ]);
  });
});
