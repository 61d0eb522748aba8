import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { fetchDrops } from '../../apps/cli/src/drops/query.js';
import { openBundle } from '../../apps/cli/src/import/bundle.js';
import { shipBundle } from '../../apps/cli/src/import/ship.js';
import { runWhydrop } from '../../apps/cli/test/run.js';
import { WhydropClient } from '../../apps/cli/src/server/client.js';
import { formatBatch } from '@whydrop/contracts';
import { type Stack, startStack } from './stack.js';

const STORY = path.resolve(import.meta.dirname, '../scenarios/contrail-three-tier/bundle');
const IO = { stdout: () => undefined, stderr: () => undefined, interactive: false };

interface RejectAnswer {
  readonly stream: string;
  readonly line: number;
  readonly reason: string;
  readonly detail: string;
  readonly raw: string;
}

describe('bad input', () => {
  let stack: Stack;
  let folder: string;

  beforeAll(async () => {
    stack = await startStack('postgres');
    folder = mkdtempSync(path.join(tmpdir(), 'whydrop-bad-'));
    cpSync(STORY, folder, { recursive: true });
  });
  afterAll(async () => {
    await stack.stop();
    rmSync(folder, { recursive: true });
  });

  async function rejects(): Promise<readonly RejectAnswer[]> {
    const query = `query ($filter: RejectFilter!) { rejects(filter: $filter, first: 100) { nodes { stream line reason detail raw } } }`;
    const answer = await stack.client.query<{ rejects: { nodes: readonly RejectAnswer[] } }>(query, {
      filter: { timeRange: { last: 'PT1H' } },
    });
    return answer.rejects.nodes.toSorted((a, b) => (a.stream < b.stream ? -1 : 1));
  }

  it('is kept with its place and reason, and the rest is explained all the same', async () => {
    const log = path.join(folder, 'nodes/cent222/conntrack.log');
    const lines = readFileSync(log, 'utf8').split('\n');
    const cut = (lines[2] ?? '').slice(0, 60);
    writeFileSync(log, [lines[0], lines[1], cut, ...lines.slice(3)].join('\n'));
    writeFileSync(path.join(folder, 'cluster/shopping.yaml'), 'milk: 2\nbread: 1\n');
    writeFileSync(path.join(folder, 'cluster/broken.yaml'), 'apiVersion: v1\nkind: [Pod\n');
    writeFileSync(path.join(folder, 'cluster/notes.txt'), 'nobody reads this');

    const bundle = await openBundle(folder);
    expect(bundle.passedOver).toEqual(['cluster/notes.txt']);
    const shipped = await shipBundle(stack.client, bundle, IO);
    expect(shipped).toMatchObject({ rejects: 3, correlated: shipped.batches });

    const [broken, shopping, conntrack] = await rejects();
    expect(broken).toMatchObject({ stream: 'cluster/broken.yaml', reason: 'NOT_YAML' });
    expect(shopping).toMatchObject({ stream: 'cluster/shopping.yaml', line: 1, reason: 'NOT_KUBERNETES' });
    expect(conntrack).toMatchObject({ stream: 'nodes/cent222/conntrack.log', line: 3, raw: cut });
    expect(conntrack?.detail.length).toBeGreaterThan(10);

    const { cluster, from, to } = bundle.manifest;
    expect(await fetchDrops(stack.client, { cluster, from, to })).toHaveLength(7);
  });

  it('an address nobody knows is shown as it is, and no policy is blamed for it', async () => {
    const envelope = {
      version: 1,
      cluster: 'lonely',
      node: 'n1',
      stream: 'conntrack.log',
      format: 'conntrack-events',
      epoch: 1,
      sequence: 0,
    } as const;
    const line = (seconds: number, event: string) =>
      `[1795260000.${seconds}00000]\t${event} tcp      6 120 SYN_SENT src=198.51.100.7 dst=203.0.113.9 sport=4000 dport=443 [UNREPLIED] src=203.0.113.9 dst=198.51.100.7 sport=443 dport=4000\n`;
    await stack.client.ship(envelope, Buffer.from(line(1, '    [NEW]') + line(9, '[DESTROY]')));
    const range = { cluster: 'lonely', from: '2026-11-21T00:00:00Z', to: '2026-11-22T00:00:00Z', failed: true };
    for (let tries = 0; tries < 200 && (await fetchDrops(stack.client, range)).length === 0; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const [drop] = await fetchDrops(stack.client, range);
    expect(drop).toMatchObject({ cause: 'UNDECIDED', verdict: 'UNKNOWN', source: { ip: '198.51.100.7', pod: null } });
    expect(drop?.explanation.policies).toEqual([]);
    expect(drop?.explanation.missing.join()).toContain('203.0.113.9');
  });

  it.each([
    ['a truncated gzip', 400, 'BAD_GZIP', (body: Buffer) => gzipSync(body).subarray(0, 40), {}],
    [
      'a wrong token',
      401,
      'UNAUTHENTICATED',
      (body: Buffer) => gzipSync(body),
      { authorization: 'Bearer whd_no_no_no' },
    ],
  ])('%s is answered %d %s', async (_name, status, code, damage, headers) => {
    const body = damage(
      formatBatch(
        { version: 1, cluster: 'c', node: 'n', stream: 's', format: 'conntrack-events', epoch: 0, sequence: 0 },
        'x\n',
      ),
    );
    const response = await fetch(`${stack.url}/ingest/v1/batches`, {
      method: 'POST',
      body: new Uint8Array(body),
      headers: { authorization: `Bearer ${stack.token}`, 'content-encoding': 'gzip', ...headers },
    });
    expect(response.status).toBe(status);
    expect(((await response.json()) as { error: { code: string } }).error.code).toBe(code);
  });

  it.each([
    ['format', 'astrology', /UNKNOWN_FORMAT/],
    ['epoch', -1, /epoch/],
    ['cluster', '', /cluster/],
  ])('an envelope with a bad %s is refused by name', async (field, value, message) => {
    const good = {
      version: 1,
      cluster: 'c',
      node: 'n',
      stream: 's',
      format: 'conntrack-events',
      epoch: 0,
      sequence: 0,
    } as const;
    const bad = { ...good, [field]: value };
    await expect(stack.client.ship(bad, Buffer.from('x\n'))).rejects.toThrow(message);
  });

  it('a server that is not there, and a folder that is no bundle, are told in one line with exit code 2', async () => {
    await expect(new WhydropClient('http://127.0.0.1:1', 'x').query('{ __typename }', {})).rejects.toThrow(
      'cannot be reached',
    );
    const imported = await runWhydrop('import', path.join(folder, 'cluster'));
    expect(imported).toMatchObject({ code: 2, err: expect.stringMatching(/bundle\.yaml: cannot be read/) });
    expect((await runWhydrop('imprt')).code).toBe(2);
    expect((await runWhydrop('drops', '--since', 'yesterday')).code).toBe(2);
  });
});
