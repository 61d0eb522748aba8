import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { freePort } from '@whydrop/embedded';
import { batchesOf, ship, waitUntilWorked } from './delivery.js';
import { type Stack, startStack } from './stack.js';

jest.setTimeout(240_000);

const ROOT = path.resolve(import.meta.dirname, '../..');
const RULES = path.join(ROOT, 'grafana/prometheus');
const STORIES = ['contrail-three-tier', 'calico-web-deny-all'];
const PROGRAMS = ['prometheus', 'promtool', 'prometheus-alertmanager'];
const missing = PROGRAMS.filter((program) => spawnSync(program, ['--version']).status !== 0);

/** They are programs of their own: where one is missing the test is left out, and on CI that is a failure. */
function programs(): readonly string[] {
  if (missing.length === 0) return ['Prometheus of this machine'];
  const text = `no ${missing.join(', ')}: apt-get install prometheus prometheus-alertmanager`;
  if (process.env['CI'] === 'true') throw new Error(text);
  process.stderr.write(`left out: ${text}\n`);
  return [];
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (let i = 0; i < 600; i++) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    await sleep(100);
  }
  throw new Error(`waited in vain until ${what}`);
}

const get = async <T>(url: string): Promise<T> => (await fetch(url)).json() as Promise<T>;

function promtool(words: readonly string[], input?: string) {
  const { status, stdout, stderr } = spawnSync('promtool', words, { input, encoding: 'utf8', cwd: RULES });
  return { status, text: `${stdout}${stderr}` };
}

/** The rules as they are shipped, with minutes as seconds. */
function quickened(file: string): string {
  return readFileSync(path.join(RULES, file), 'utf8').replaceAll(/\b(\d+)m\b/g, '$1s');
}

class Programs {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'whydrop-prometheus-'));
  private readonly children: ChildProcess[] = [];

  async start(program: string, words: readonly string[], ready: string): Promise<void> {
    this.children.push(spawn(program, words, { stdio: 'ignore' }));
    await until(`${program} is ready`, async () => ((await fetch(ready)).ok ? true : undefined));
  }

  write(name: string, text: string): string {
    const file = path.join(this.folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  async stop(): Promise<void> {
    for (const child of this.children) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.folder, { recursive: true });
  }
}

const config = (api: string, token: string, alertmanager: string) => `
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [recording.rules.yaml, alerting.rules.yaml]
alerting:
  alertmanagers: [{ static_configs: [{ targets: ['${alertmanager}'] }] }]
scrape_configs:
  - job_name: whydrop
    honor_labels: true
    authorization: { credentials: '${token}' }
    static_configs: [{ targets: ['${api}'] }]
`;

interface Samples {
  readonly data: {
    readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[];
  };
}
type Fired = readonly {
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
}[];

describe.each(programs())('%s', () => {
  let stack: Stack;
  let prometheus: string;
  let alertmanager: string;
  const started = new Programs();

  beforeAll(async () => {
    stack = await startStack('postgres');
    const [ours, theirs] = [await freePort(), await freePort()];
    [prometheus, alertmanager] = [`http://127.0.0.1:${ours}`, `http://127.0.0.1:${theirs}`];
    const routes = started.write('alertmanager.yml', 'route: { receiver: none }\nreceivers: [{ name: none }]\n');
    const cluster = '--cluster.listen-address=';
    const data = (name: string) => path.join(started.folder, name);
    const words = [`--config.file=${routes}`, `--storage.path=${data('am')}`, cluster];
    await started.start(
      'prometheus-alertmanager',
      [...words, `--web.listen-address=127.0.0.1:${theirs}`],
      `${alertmanager}/-/ready`,
    );
    for (const file of ['recording.rules.yaml', 'alerting.rules.yaml']) started.write(file, quickened(file));
    const text = config(new URL(stack.url).host, stack.token, `127.0.0.1:${theirs}`);
    const file = started.write('prometheus.yml', text);
    const own = [`--config.file=${file}`, `--storage.tsdb.path=${data('tsdb')}`];
    await started.start('prometheus', [...own, `--web.listen-address=127.0.0.1:${ours}`], `${prometheus}/-/ready`);
  });

  afterAll(async () => {
    await started.stop();
    await stack.stop();
  });

  const query = async (text: string) =>
    (await get<Samples>(`${prometheus}/api/v1/query?query=${encodeURIComponent(text)}`)).data.result;
  const scraped = async (path: string, token = stack.token) => {
    const response = await fetch(`${stack.url}/metrics${path}`, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, text: await response.text() };
  };
  const fired = async (alertname: string) => {
    const all = await get<Fired>(`${alertmanager}/api/v2/alerts?active=true`);
    const ones = all.filter(({ labels }) => labels['alertname'] === alertname);
    return ones.length > 0 ? ones : undefined;
  };

  it('has rules that promtool takes, and that do what their tests say', () => {
    for (const file of ['recording.rules.yaml', 'alerting.rules.yaml']) {
      expect(promtool(['check', 'rules', file])).toMatchObject({ status: 0 });
    }
    expect(promtool(['test', 'rules', 'rules.test.yaml'])).toMatchObject({ status: 0 });
    expect(promtool(['check', 'config', '--syntax-only', 'prometheus.yml'])).toMatchObject({ status: 0 });
  });

  it('scrapes Whydrop, evaluates the rules, and tells Alertmanager of policies that block anew', async () => {
    await until('Whydrop was scraped for a while', async () =>
      (await query('whydrop_build_info offset 6s')).length > 0 ? true : undefined,
    );
    for (const story of STORIES) {
      await ship(stack, await batchesOf(path.join(ROOT, 'test/scenarios', story, 'bundle')));
    }
    await waitUntilWorked(stack);
    const alerts = await until('an alert fires', () => fired('WhydropPolicyBlocksAnew'));
    const { rows } = await stack.database.pool.query<{ policy: string }>(
      `SELECT DISTINCT array_to_string(policies, ',') AS policy FROM drop_group WHERE verdict IN ('dropped', 'rejected')`,
    );
    expect(rows.map(({ policy }) => policy)).toContain(alerts[0]?.labels['policy']);
    expect(alerts[0]?.annotations['summary']).toContain('blocks connections and blocked none for a day');
  });

  it('has drops by what decided, as many as are stored', async () => {
    const stored = await stack.database.pool.query<{ n: bigint }>(
      `SELECT sum(drops)::int8 AS n FROM drop_group WHERE verdict IN ('dropped', 'rejected')`,
    );
    const wanted = String(stored.rows[0]?.n);
    const told = await until('all drops are scraped', async () =>
      (await query('sum(whydrop:drops_total)')).find(({ value }) => value[1] === wanted),
    );
    expect(Number(told.value[1])).toBeGreaterThan(5);
    const series = await query('whydrop_drops_total');
    expect(series.length).toBeGreaterThan(2);
    for (const { metric } of series) {
      expect(Object.keys(metric)).toEqual(expect.arrayContaining(['cluster', 'namespace', 'cause', '__name__']));
    }
    expect((await query('whydrop_collector_last_seen_timestamp_seconds{node!=""}')).length).toBeGreaterThan(1);
  });

  it('is told of a node from which nothing comes any more', async () => {
    await stack.database.pool.query(
      `UPDATE metric_total SET value = value - 1200 * 1000000::int8 WHERE name LIKE 'whydrop_collector_last_seen%'`,
    );
    const alerts = await until('an alert fires', () => fired('WhydropCollectorSilent'));
    expect(alerts[0]?.annotations['summary']).toMatch(/^Nothing came from node \S+ of \S+ for 20m/);
  });

  it('lints what is exposed: promtool finds nothing to say', async () => {
    const { status, text } = await scraped('');
    expect(status).toBe(200);
    expect(text).toMatch(
      /^whydrop_drops_total\{cluster="[^"]+",namespace="[^"]*",direction="[^"]*",cause="[^"]+",policy="[^"]*"\} \d+$/m,
    );
    expect(promtool(['check', 'metrics'], text)).toEqual({ status: 0, text: '' });
  });

  it('is let in with a token only', async () => {
    expect((await fetch(`${stack.url}/metrics`)).status).toBe(401);
    expect((await scraped('', 'whd_nonsense')).status).toBe(401);
  });
});
