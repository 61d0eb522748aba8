import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Lab } from '../src/lab.js';
import type { Attempt, LabPod, LabPolicy, Scenario } from '../src/scenario.js';
import { LabError } from '../src/shell.js';
import { LabCollectors } from './collectors.js';
import { ClusterFeed } from './live.js';
import { openRelay } from './relay.js';
import { startServer, type LiveServer } from './server.js';

const pod = (name: string, node: string, ip: string): LabPod => ({
  namespace: 'shop',
  name,
  node,
  ip,
  labels: { app: name },
  ports: [{ port: 80 }],
});

const denyAll = (app: string): LabPolicy => ({
  kind: 'kubernetes',
  namespace: 'shop',
  name: `${app}-deny-all`,
  spec: { podSelector: { matchLabels: { app } }, policyTypes: ['Ingress'], ingress: [] },
});

/** `vault` is fenced from the start and is scanned; the policy of `db` comes by mistake, and cuts three clients off. */
const STORY: Scenario = {
  name: 'alerts',
  cluster: 'alert-lab',
  dialect: 'calico-current',
  clusterCidr: '10.71.0.0/16',
  nodes: [
    { name: 'node1', ip: '172.22.9.11', podCidr: '10.71.1.0/26' },
    { name: 'node2', ip: '172.22.9.12', podCidr: '10.71.2.0/26' },
  ],
  namespaces: [{ name: 'shop' }],
  pods: [
    ...['web', 'cart', 'stock'].map((name, i) => pod(name, 'node1', `10.71.1.1${i}`)),
    pod('intruder', 'node1', '10.71.1.20'),
    pod('db', 'node2', '10.71.2.10'),
    pod('vault', 'node2', '10.71.2.11'),
  ],
  services: [],
  policies: [denyAll('vault')],
  steps: [],
};

const attempt = (from: string, to: string, port: number): Attempt => ({
  from: { kind: 'pod', namespace: 'shop', name: from },
  to: { kind: 'pod', namespace: 'shop', name: to },
  protocol: 'TCP',
  port,
  timeout: 0.8,
  expect: 'dropped',
});

/** One alert as it was told. */
export interface ToldAlert {
  readonly rule: string;
  readonly state: string;
  readonly cause: string | null;
  readonly policies: readonly string[];
  readonly summary: string;
  readonly sentence: string | null;
  readonly changes: readonly string[];
  readonly topSources: readonly { readonly end: { readonly name: string }; readonly drops: number }[];
}

/** What happened when, in milliseconds from the first packet on. */
export interface Trail {
  /** The clients had made all their attempts. */
  readonly tried: number;
  /** GraphQL explained a first one, and so many that they are a spike by themselves. */
  readonly explained: number;
  readonly enough: number;
}

export interface AlertStory {
  readonly trail: Trail;
  /** From the first packet until the alert had been told, in milliseconds. */
  readonly toldAfterMs: number;
  readonly resolvedAfterMs: number;
  readonly alert: ToldAlert;
}

export interface AlertRun {
  readonly scan: AlertStory;
  readonly misrolled: AlertStory;
  /** Every alert of the run, whichever rule. */
  readonly all: readonly ToldAlert[];
}

const ALERTS = `{ alerts(first: 50) { nodes { rule state notified cause policies summary sentence changes
  topSources { end { name } drops } } } }`;

const RULES = `version: 1
rules:
  - { name: BlockedSpike, kind: SPIKE, keepFiringFor: 0s }
`;

async function alertsOf(server: LiveServer) {
  type Found = { readonly alerts: { readonly nodes: readonly (ToldAlert & { notified: boolean })[] } };
  return (await server.query<Found>(ALERTS, {})).alerts.nodes;
}

/** Waits until the alert about a policy is as it should be. */
async function until(
  server: LiveServer,
  policy: string,
  startedAt: number,
  holds: (alert: ToldAlert & { notified: boolean }) => boolean,
  patienceMs: number,
) {
  for (;;) {
    const alerts = await alertsOf(server);
    const found = alerts.find((alert) => alert.policies.includes(policy) && holds(alert));
    const afterMs = Date.now() - startedAt;
    if (found) return { found, afterMs };
    if (afterMs > patienceMs) throw new LabError(`no such alert after ${patienceMs} ms: ${JSON.stringify(alerts)}`);
    await wait(100);
  }
}

const BLAMED = `query ($policy: String!, $from: DateTime!, $to: DateTime!) {
  drops(first: 1, filter: { policy: { eq: $policy }, timeRange: { from: $from, to: $to } }) { totalCount } }`;

/** Until so many drops are blamed on a policy. */
async function blamed(server: LiveServer, policy: string, startedAt: number, drops: number): Promise<number> {
  type Found = { readonly drops: { readonly totalCount: number } };
  const range = { from: new Date(startedAt - 1_000).toISOString(), to: new Date(startedAt + 600_000).toISOString() };
  for (;;) {
    const { totalCount } = (await server.query<Found>(BLAMED, { policy, ...range })).drops;
    const afterMs = Date.now() - startedAt;
    if (totalCount >= drops || afterMs > 120_000) return afterMs;
    await wait(200);
  }
}

/** Events of a minute that are a spike although nothing is known of the time before. */
const ENOUGH = 100;

async function story(server: LiveServer, policy: string, attempts: () => Promise<unknown>): Promise<AlertStory> {
  const startedAt = Date.now();
  const done = attempts().then(() => Date.now() - startedAt);
  const seen = blamed(server, policy, startedAt, 1).then(async (explained) => ({
    explained,
    enough: await blamed(server, policy, startedAt, ENOUGH),
  }));
  const told = await until(server, policy, startedAt, ({ notified }) => notified, 120_000);
  const trail = { tried: await done, ...(await seen) };
  const over = await until(server, policy, startedAt, ({ state }) => state === 'RESOLVED', 360_000);
  return { trail, toldAfterMs: told.afterMs, resolvedAfterMs: over.afterMs, alert: told.found };
}

/** One pod tries 200 ports of another; side by side a policy is rolled out wrongly, and three clients try again and again. */
async function incidents(
  lab: Lab,
  server: LiveServer,
  feed: ClusterFeed,
  say: (line: string) => void,
): Promise<AlertRun> {
  const ports = Array.from({ length: 200 }, (_, i) => 1_000 + i);
  const scanned = () => Promise.all(ports.map((port) => lab.attempt(attempt('intruder', 'vault', port))));
  const cutOff = async () => {
    lab.change({ apply: [denyAll('db')] });
    await feed.changed('ADDED', denyAll('db'));
    const clients = ['web', 'cart', 'stock'];
    const tries = Array.from({ length: 150 }, (_, i) => attempt(clients[i % 3] ?? 'web', 'db', 80));
    await Promise.all(tries.map((one) => lab.attempt(one)));
  };
  const [scan, misrolled] = await Promise.all([
    story(server, 'NetworkPolicy/shop/vault-deny-all', scanned),
    story(server, 'NetworkPolicy/shop/db-deny-all', cutOff),
  ]);
  for (const [name, { trail, toldAfterMs, resolvedAfterMs, alert }] of Object.entries({ scan, misrolled })) {
    const { tried, explained, enough } = trail;
    say(`${name}: tried for ${tried} ms; explained after ${explained} ms, ${ENOUGH} of them after ${enough} ms`);
    say(`${name}: told after ${toldAfterMs} ms, resolved after ${resolvedAfterMs} ms: ${alert.summary}`);
  }
  return { scan, misrolled, all: await alertsOf(server) };
}

/** A server with a rule file, a lab, and a collector in each of its nodes. */
export async function runAlerts(options: { readonly say?: (line: string) => void } = {}): Promise<AlertRun> {
  const say = options.say ?? (() => undefined);
  const folder = mkdtempSync(join(tmpdir(), 'whydrop-alerts-'));
  // PostgreSQL does not run as root: another user has to get through.
  chmodSync(folder, 0o755);
  const undo: (() => Promise<unknown>)[] = [async () => rmSync(folder, { recursive: true, force: true })];
  try {
    const lab = await Lab.open(STORY);
    undo.push(() => lab.close());
    const rules = join(folder, 'alerts.yaml');
    writeFileSync(rules, RULES);
    const server = await startServer(join(folder, 'server'), { WHYDROP_ALERTS: rules });
    undo.push(() => server.close());
    const relay = await openRelay(`${lab.fabric.prefix}-lan`, '172.22.9.1', server.url, folder);
    undo.push(() => relay.close());
    const feed = new ClusterFeed(server, STORY);
    await feed.begin();
    const words = { url: relay.url, token: server.token, interval: '2s', nflogGroups: lab.nflogGroups, observe: false };
    const collectors = new LabCollectors(lab, { ...words, folder: join(folder, 'spool') });
    undo.push(() => collectors.stop());
    await collectors.start();
    say('a collector on each node; the incidents begin');
    await wait(3_000);
    return await incidents(lab, server, feed, say);
  } finally {
    for (const step of undo.toReversed()) await step().catch(() => undefined);
  }
}
