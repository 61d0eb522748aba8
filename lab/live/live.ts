import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { stringify } from 'yaml';
import { clusterObjects, policyObject } from '../src/cluster-objects.js';
import { Lab } from '../src/lab.js';
import type { Attempt, LabPolicy, Scenario } from '../src/scenario.js';
import { LabError } from '../src/shell.js';
import { LabCollectors } from './collectors.js';
import { openRelay } from './relay.js';
import { startServer, type LiveServer } from './server.js';
import { LIVE_STORY } from './story.js';

/** How long an answer took, in milliseconds from the client's first packet on, and what it was. */
export interface LiveAnswer {
  readonly afterMs: number;
  readonly cause: string;
  readonly basis: string;
  readonly sentence: string;
}

export interface LiveRun {
  readonly throughLog: LiveAnswer;
  readonly throughCounters: LiveAnswer;
  /** Of the rules' counters, in milliseconds. */
  readonly intervalMs: number;
}

const POLICY: LabPolicy = {
  kind: 'kubernetes',
  namespace: 'shop',
  name: 'db-deny-all',
  spec: { podSelector: { matchLabels: { app: 'db' } }, policyTypes: ['Ingress'], ingress: [] },
};

const ATTEMPT: Attempt = {
  from: { kind: 'pod', namespace: 'shop', name: 'web-0' },
  to: { kind: 'pod', namespace: 'shop', name: 'db-0' },
  protocol: 'TCP',
  port: 5432,
  timeout: 2.6,
  expect: 'dropped',
};

const DROPS = `query ($cluster: String!, $from: DateTime!, $to: DateTime!) {
  drops(first: 5, filter: { cluster: { eq: $cluster }, timeRange: { from: $from, to: $to } }) {
    edges { node { cause basis sentence } }
  }
}`;

const SHIPPED = `{ collectors { node lagSeconds formats { format batches rejects openBatches lastObservedAt } losses { reason from to } } }`;

interface Found {
  readonly drops: { readonly edges: readonly { readonly node: Omit<LiveAnswer, 'afterMs'> }[] };
}

const wholeSeconds = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** The cluster as a watch would ship it: everything that is there, then what changes. */
export class ClusterFeed {
  private sequence = 0;

  constructor(
    private readonly server: LiveServer,
    private readonly scenario: Scenario,
    private readonly epoch = Date.now(),
  ) {}

  private head(stream: string, format: string) {
    const common = { version: 1, cluster: this.scenario.cluster, node: null, epoch: this.epoch };
    const at = new Date().toISOString();
    return { ...common, stream, format, sequence: this.sequence++, observedFrom: at, observedTo: at };
  }

  async begin(): Promise<void> {
    const created = wholeSeconds(Date.now() - 3_600_000);
    for (const [name, objects] of clusterObjects(this.scenario, created)) {
      const text = objects.map((object) => `---\n${stringify(object, { aliasDuplicateObjects: false })}`).join('');
      await this.server.ship({ ...this.head(`cluster/${name}`, 'kubernetes-objects'), sequence: 0 }, text);
    }
    this.sequence = 0;
  }

  async changed(type: 'ADDED' | 'DELETED', policy: LabPolicy): Promise<void> {
    const object = policyObject(policy, wholeSeconds(Date.now()), 1 + this.sequence);
    const line = JSON.stringify({ at: new Date().toISOString(), type, object });
    await this.server.ship(this.head('cluster/events.jsonl', 'kubernetes-events'), `${line}\n`);
  }
}

const POLL_MS = 25;

/**
 * Tries a connection, and asks for it until GraphQL explains it by what the node said: what the policies alone would
 * give (`DERIVED`) comes sooner. The client has to see it time out.
 */
async function explained(lab: Lab, server: LiveServer, patienceMs: number): Promise<LiveAnswer> {
  const startedAt = Date.now();
  const made = lab.attempt(ATTEMPT);
  const range = { from: new Date(startedAt - 20).toISOString(), to: new Date(startedAt + 600_000).toISOString() };
  for (;;) {
    const { drops } = await server.query<Found>(DROPS, { cluster: lab.scenario.cluster, ...range });
    const afterMs = Date.now() - startedAt;
    const found = drops.edges.find(({ node }) => node.cause.startsWith('POLICY_') && node.basis !== 'DERIVED');
    if (found) {
      const { result } = (await made).answer;
      if (result !== 'timeout') throw new LabError(`the client saw ${result}, not a timeout`);
      return { ...found.node, afterMs };
    }
    if (afterMs > patienceMs) throw new LabError(`no explanation within ${patienceMs} ms: ${JSON.stringify(drops)}`);
    await wait(POLL_MS);
  }
}

/** Runs a server, a lab, and collectors in its nodes; applies a policy, tries what it forbids, and takes the time. */
export async function runLive(options: {
  readonly intervalMs: number;
  readonly say?: (line: string) => void;
}): Promise<LiveRun> {
  const say = options.say ?? (() => undefined);
  const { intervalMs } = options;
  const folder = mkdtempSync(join(tmpdir(), 'whydrop-live-'));
  // PostgreSQL does not run as root: another user has to get through.
  chmodSync(folder, 0o755);
  const undo: (() => Promise<unknown>)[] = [async () => rmSync(folder, { recursive: true, force: true })];
  try {
    const lab = await Lab.open(LIVE_STORY);
    undo.push(() => lab.close());
    const server = await startServer(join(folder, 'server'));
    undo.push(() => server.close());
    say(`server ${server.url}`);
    const switchName = `${lab.fabric.prefix}-lan`;
    const relay = await openRelay(switchName, '172.22.9.1', server.url, folder);
    undo.push(() => relay.close());
    const feed = new ClusterFeed(server, LIVE_STORY);
    await feed.begin();
    const words = { url: relay.url, token: server.token, interval: `${intervalMs}ms` };
    const run = async (name: string, nflogGroups: readonly number[], patienceMs: number): Promise<LiveAnswer> => {
      const collectors = new LabCollectors(lab, {
        ...words,
        nflogGroups,
        folder: join(folder, name),
        observe: name === 'nflog',
      });
      undo.push(() => collectors.stop());
      await collectors.start();
      say(`${name}: a collector on each of ${LIVE_STORY.nodes.length} nodes`);
      const allowedFrom = Date.now();
      const before = await lab.attempt({ ...ATTEMPT, expect: 'allowed' });
      if (before.answer.result !== 'connected') throw new LabError(`before the policy: ${before.answer.result}`);
      const allowedSpan = { from: new Date(allowedFrom).toISOString(), to: new Date().toISOString() };
      lab.change({ apply: [POLICY] });
      await feed.changed('ADDED', POLICY);
      await wait(1_000 + intervalMs);
      const early = await server.query<Found>(DROPS, { cluster: LIVE_STORY.cluster, ...allowedSpan });
      if (early.drops.edges.length > 0) throw new LabError(`told as a drop: ${JSON.stringify(early)}`);
      const answer = await explained(lab, server, patienceMs).catch(async (error: Error) => {
        const shipped = JSON.stringify(await server.query(SHIPPED, {}));
        throw new LabError(`${name}: ${error.message}\n${shipped}\n${collectors.log}`);
      });
      say(`${name}: explained after ${answer.afterMs} ms (${answer.basis}): ${answer.sentence}`);
      await collectors.stop();
      lab.change({ remove: [{ namespace: 'shop', name: POLICY.name }] });
      await feed.changed('DELETED', POLICY);
      return answer;
    };
    const throughLog = await run('nflog', lab.nflogGroups, 20_000);
    const throughCounters = await run('counters', [], 20_000 + 2 * intervalMs);
    return { throughLog, throughCounters, intervalMs };
  } finally {
    for (const step of undo.toReversed()) await step().catch(() => undefined);
  }
}
