import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { jest } from '@jest/globals';
import { freePort } from '@whydrop/embedded';
import { receiverKind } from '@whydrop/notify';
import { createReceiver } from '@whydrop/storage';
import { message, openStage, PENDING, type Stage, startReceiver, type TestReceiver } from './deliver-stage.js';

jest.setTimeout(120_000);

const PROGRAM = 'prometheus-alertmanager';
const isThere = spawnSync(PROGRAM, ['--version']).status === 0;

/** Alertmanager is a program of its own: where it is missing the test is left out, and on CI that is a failure. */
function stories(): readonly string[] {
  if (isThere) return ['Alertmanager of this machine'];
  if (process.env['CI'] === 'true') throw new Error('no Alertmanager: apt-get install prometheus-alertmanager');
  process.stderr.write('left out: no Alertmanager is installed (apt-get install prometheus-alertmanager)\n');
  return [];
}

interface RunningAlertmanager {
  readonly url: string;
  stop(): Promise<void>;
}

/** Groups by rule and namespace, and tells `hook` quickly. */
const config = (hook: number) => `
route:
  receiver: hook
  group_by: [alertname, namespace]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: hook
    webhook_configs:
      - url: http://127.0.0.1:${hook}/
        send_resolved: true
`;

async function startAlertmanager(hook: number): Promise<RunningAlertmanager> {
  const folder = mkdtempSync(path.join(tmpdir(), 'whydrop-alertmanager-'));
  const file = path.join(folder, 'alertmanager.yml');
  writeFileSync(file, config(hook));
  const port = await freePort();
  const words = [`--config.file=${file}`, `--storage.path=${folder}/data`, '--cluster.listen-address='];
  const child: ChildProcess = spawn(PROGRAM, [...words, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const url = `http://127.0.0.1:${port}`;
  for (let i = 0; i < 100; i++) {
    const ready = await fetch(`${url}/-/ready`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) break;
    await sleep(100);
  }
  return {
    url,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

interface Notification {
  readonly status: string;
  readonly groupLabels: Readonly<Record<string, string>>;
  readonly alerts: readonly { readonly status: string; readonly labels: Readonly<Record<string, string>> }[];
}

describe.each(stories())('%s', () => {
  let stage: Stage;
  let hook: TestReceiver;
  let alertmanager: RunningAlertmanager;

  beforeAll(async () => {
    stage = await openStage();
    hook = await startReceiver((_request, response) => void response.end());
    alertmanager = await startAlertmanager(hook.port);
    const receiver = { name: 'am', kind: 'alertmanager', settings: { url: alertmanager.url }, secrets: {} };
    await createReceiver(stage.database, stage.options.box, { ...receiver, enabled: true, sendResolved: true });
  });

  afterAll(async () => {
    await stage.stop();
    await alertmanager.stop();
    await hook.close();
  });

  const notifications = () => hook.received.map(({ body }) => JSON.parse(body) as Notification);

  async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    for (let i = 0; i < 300; i++) {
      if (await holds()) return;
      await sleep(100);
    }
    throw new Error(`waited in vain until ${what}: ${JSON.stringify(notifications())}`);
  }

  /** What amtool shows as firing. */
  async function shown(): Promise<readonly { readonly labels: Readonly<Record<string, string>> }[]> {
    const words = ['--alertmanager.url', alertmanager.url, 'alert', 'query', '-o', 'json'];
    return JSON.parse((await promisify(execFile)('amtool', words)).stdout) as never;
  }

  it('takes our alerts, groups them, and resolves them when we do', async () => {
    const labels = (namespace: string, policy: string) => ({ labels: { namespace, policy, 'k8s.io/app': 'db' } });
    await stage.tell(message('a', 1, labels('pay', 'deny-all')), 'am');
    await stage.tell(message('b', 1, labels('pay', 'allow-dns')), 'am');
    await stage.tell(message('c', 1, labels('shop', 'deny-all')), 'am');
    stage.start();
    await stage.untilNone(PENDING);
    expect(await stage.rows(`SELECT DISTINCT state FROM alert_delivery`)).toEqual([{ state: 'delivered' }]);

    // amtool sees three, with labels that it takes
    expect((await shown()).map((alert) => alert.labels['policy'] ?? '').toSorted()).toEqual([
      'allow-dns',
      'deny-all',
      'deny-all',
    ]);
    expect((await shown())[0]?.labels).toMatchObject({ k8s_io_app: 'db', severity: 'warning', cluster: 'prod' });

    // two groups: those of one namespace come together
    await until('both groups were told', () => {
      const groups = notifications().map(({ groupLabels, alerts }) => `${groupLabels['namespace']}:${alerts.length}`);
      return groups.includes('pay:2') && groups.includes('shop:1');
    });
    expect(notifications().every(({ status }) => status === 'firing')).toBe(true);

    for (const alert of ['a', 'b']) {
      const policy = alert === 'a' ? 'deny-all' : 'allow-dns';
      await stage.tell(message(alert, 2, labels('pay', policy)), 'am');
    }
    await until('the group pay was told to be over', () =>
      notifications().some(({ status, groupLabels }) => status === 'resolved' && groupLabels['namespace'] === 'pay'),
    );
    expect((await shown()).map((alert) => alert.labels['namespace'])).toEqual(['shop']);
  });

  it('writes webhooks like ours of format alertmanager: the same parts, the same fingerprint', async () => {
    const labels = { labels: { namespace: 'shop', policy: 'deny-all', 'k8s.io/app': 'db' } };
    const ours = receiverKind('webhook')?.request({
      key: 'msg_x',
      message: message('c', 1, labels),
      receiver: 'hook',
      settings: { url: 'http://x', format: 'alertmanager' },
      secrets: {},
      now: Date.now(),
      surroundings: stage.options.surroundings,
    });
    if (!ours || 'nothing' in ours) throw new Error('nothing to compare');
    const theirs = hook.received.find(({ body }) => body.includes('"shop"'));
    const [mine, real] = [ours.body, theirs?.body ?? ''].map((body) => JSON.parse(body) as Notification);
    expect(Object.keys(mine ?? {})).toEqual(Object.keys(real ?? {}));
    const [alert, realAlert] = [mine?.alerts[0], real?.alerts[0]];
    expect(Object.keys(alert ?? {}).toSorted()).toEqual(Object.keys(realAlert ?? {}).toSorted());
    const { startsAt: _ours, ...same } = alert as unknown as Record<string, unknown>;
    const { startsAt: _theirs, ...wanted } = realAlert as unknown as Record<string, unknown>;
    expect(same).toEqual(wanted);
  });

  it('is told again of what still burns, and no longer of what is over', async () => {
    const row = async (alertId: string, sequence: number) => {
      const sql = `SELECT repeat_at IS NOT NULL AS repeats, attempts, repeat_at, (SELECT count(*)::int FROM delivery_attempt a WHERE a.delivery_id = d.id) AS tries
        FROM alert_delivery d WHERE alert_id = $1 AND sequence = $2`;
      const rows = await stage.rows<{ repeats: boolean; attempts: number; tries: number }>(sql, alertId, sequence);
      return rows[0];
    };
    expect(await row('c', 1)).toMatchObject({ repeats: true, tries: 1 });
    expect(await row('a', 1)).toMatchObject({ repeats: false, tries: 1 });
    expect(await row('a', 2)).toMatchObject({ repeats: true, tries: 1 });
    // a minute goes by
    await stage.rows(`UPDATE alert_delivery SET repeat_at = now() WHERE alert_id = 'c'`);
    await until('it was told again', async () => (await row('c', 1))?.tries === 2);
    expect(await row('c', 1)).toMatchObject({ repeats: true, attempts: 1 });
    // a quarter of an hour after its end nobody is told any more
    await stage.rows(
      `UPDATE alert_delivery SET repeat_at = now(), finished_at = now() - interval '16 minutes' WHERE alert_id = 'a' AND sequence = 2`,
    );
    await until('it was told for the last time', async () => (await row('a', 2))?.repeats === false);
    expect(await stage.rows(`SELECT DISTINCT state FROM alert_delivery`)).toEqual([{ state: 'delivered' }]);
  });
});
