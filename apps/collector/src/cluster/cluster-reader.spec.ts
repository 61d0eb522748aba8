import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { gunzipSync } from 'node:zlib';
import type { KubernetesObject } from '@whydrop/model';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { FakeKubeApi } from '../../test/fake-kube-api.js';
import { Bases } from '../batch/bases.js';
import { Batcher } from '../batch/batcher.js';
import type { Loss } from '../read/reader.js';
import { pastOf } from '../spool/past.js';
import { Spool } from '../spool/spool.js';
import { ClusterReader } from './cluster-reader.js';
import { keyOf } from './known.js';
import { meaning, trimmed } from './trim.js';

interface Told {
  readonly at: string;
  readonly type: string;
  readonly object: KubernetesObject;
}

const PODS = '/api/v1/pods';
const POLICIES = '/apis/networking.k8s.io/v1/networkpolicies';

function pod(name: string, app: string, uid = name): KubernetesObject {
  const managedFields = [{ manager: 'kubelet', time: '2026-11-21T10:00:00Z', fieldsV1: { 'f:status': {} } }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'dev',
      uid,
      labels: { app },
      creationTimestamp: '2026-11-21T09:00:00Z',
      managedFields,
    },
    spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i', env: [{ name: 'PASSWORD', value: 'hunter2' }] }] },
    status: { phase: 'Running', podIP: '10.0.0.1' },
  };
}

function policy(name: string, port: number): KubernetesObject {
  const spec = { podSelector: {}, policyTypes: ['Ingress'], ingress: [{ ports: [{ port }] }] };
  return { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace: 'dev' }, spec };
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** One run of the watcher over a folder; a killed one leaves what was on the disk. */
class Run {
  readonly losses: Loss[] = [];
  private constructor(
    private readonly spool: Spool,
    private readonly batcher: Batcher,
    readonly reader: ClusterReader,
  ) {}

  static async start(folder: string, losses: Loss[], times = { silenceMs: 400, relistMs: 60_000 }): Promise<Run> {
    const report = () => ({
      class: 'control' as const,
      stream: 'gaps',
      records: 1,
      from: 0,
      to: 0,
      body: () => Buffer.from(''),
    });
    const spool = await Spool.open({ folder: path.join(folder, 'spool'), maxBytes: 2 ** 26, report });
    const batcher = new Batcher({
      emitter: { cluster: 'c', node: '' },
      spool,
      bases: new Bases(),
      flushMs: 5,
      now: Date.now,
    });
    const watch = {
      now: Date.now,
      lost: (loss: Loss) => losses.push(loss),
      alive: () => undefined,
      warn: () => undefined,
    };
    const parts = {
      kubeconfig: path.join(folder, 'kubeconfig'),
      folder,
      sink: batcher,
      watch,
      past: pastOf(spool),
      maxBytes: 2 ** 26,
      times,
    };
    const reader = new ClusterReader({ ...parts, registry: new Registry() });
    reader.start();
    return new Run(spool, batcher, reader);
  }

  /** Everything that is on the disk for the server, in its order. */
  async told(): Promise<readonly Told[]> {
    await this.batcher.flush();
    const lines: Told[] = [];
    for (let lease = await this.spool.next(); lease; lease = await this.spool.next()) {
      const bytes = (await this.spool.body(lease)) ?? Buffer.alloc(0);
      const body = gunzipSync(bytes).toString();
      this.spool.acknowledge(lease);
      lines.push(
        ...body
          .split('\n')
          .slice(1)
          .filter(Boolean)
          .map((line) => JSON.parse(line) as Told),
      );
    }
    return lines;
  }

  async stop(): Promise<void> {
    await this.reader.stop();
    await this.batcher.flush();
    await this.spool.close();
  }

  /** What was read and is not on the disk is lost. */
  async kill(): Promise<void> {
    await this.reader.stop();
    await this.spool.close();
  }
}

/** What a reader of all records takes to be there now. */
function replayed(told: readonly Told[]): ReadonlyMap<string, string> {
  const state = new Map<string, string>();
  for (const { type, object } of told) {
    if (type === 'DELETED') state.delete(keyOf(object));
    else state.set(keyOf(object), meaning(object));
  }
  return state;
}

function truth(api: FakeKubeApi): ReadonlyMap<string, string> {
  return new Map([...api.truth.values()].map((object) => [keyOf(object), meaning(trimmed(object))]));
}

describe('the watcher', () => {
  let folder = '';
  let api: FakeKubeApi;
  let run: Run;
  let losses: Loss[];
  let journal: Told[];

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'whydrop-watch-'));
    [losses, journal] = [[], []];
    api = new FakeKubeApi();
    await api.listen();
    writeFileSync(path.join(folder, 'kubeconfig'), api.kubeconfig);
    for (const name of ['a', 'b', 'c']) api.put(PODS, pod(name, name));
    api.put(POLICIES, policy('deny', 80));
  });
  afterEach(async () => {
    await run.stop();
    await api.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Waits until a reader of all records knows what is there; gives what was told since the last time. */
  const settle = async (): Promise<readonly Told[]> => {
    const start = journal.length;
    for (let i = 0; i < 1000; i++) {
      journal.push(...(await run.told()));
      if (isDeepStrictEqual(replayed(journal), truth(api))) return journal.slice(start);
      await wait(25);
    }
    expect(replayed(journal)).toEqual(truth(api));
    return [];
  };
  const types = (told: readonly Told[]) => told.map(({ type }) => type).toSorted();
  const begin = async (times?: { silenceMs: number; relistMs: number }) => {
    run = await Run.start(folder, losses, times);
    return settle();
  };

  it('tells what is there, page by page, and then every change; nothing secret leaves', async () => {
    const first = await begin();
    expect(types(first)).toEqual(['STATE', 'STATE', 'STATE', 'STATE']);
    expect(run.reader.trouble).toBeUndefined();
    api.put(PODS, pod('a', 'changed'));
    api.remove(PODS, 'dev', 'b');
    api.put(POLICIES, policy('deny', 443));
    expect(types(await settle())).toEqual(['DELETED', 'MODIFIED', 'MODIFIED']);
    expect(JSON.stringify(journal)).not.toMatch(/hunter2|managedFields|image/);
    expect(losses).toEqual([]);
  });

  it('a write that changes nothing we tell is no change', async () => {
    await begin();
    api.put(PODS, pod('a', 'a'));
    api.put(PODS, pod('c', 'new'));
    expect((await settle()).map(({ object }) => object.metadata.name)).toEqual(['c']);
  });

  it('goes on where a broken connection ended', async () => {
    await begin();
    const { lists } = api;
    api.cut();
    api.put(PODS, pod('a', 'while away'));
    expect(types(await settle())).toEqual(['MODIFIED']);
    expect(api.lists).toBe(lists);
    expect(losses).toEqual([]);
  });

  it('notices a watch that went silent', async () => {
    await begin();
    api.stall();
    api.put(PODS, pod('d', 'in the silence'));
    api.remove(PODS, 'dev', 'a');
    expect(types(await settle())).toEqual(['ADDED', 'DELETED']);
  });

  it('lists again when its place is forgotten, tells what is gone, and says that something may be missing', async () => {
    await begin();
    await api.close();
    api.remove(PODS, 'dev', 'a');
    api.put(PODS, pod('b', 'changed'));
    api.forget();
    await api.listen();
    expect(types(await settle())).toEqual(['DELETED', 'MODIFIED']);
    expect(losses).toContainEqual(expect.objectContaining({ stream: 'cluster/events.jsonl', reason: 'EVENTS_LOST' }));
  });

  it('repeated and late words change nothing', async () => {
    await begin();
    for (const app of ['1', '2', '3']) api.put(PODS, pod('a', app));
    api.remove(PODS, 'dev', 'b');
    await settle();
    api.repeat(4, (changes) => changes.toReversed());
    api.put(PODS, pod('z', 'last'));
    expect((await settle()).map(({ object }) => object.metadata.name)).toEqual(['z']);
  });

  it('a pod of the same name is another pod', async () => {
    await begin();
    api.cut();
    api.remove(PODS, 'dev', 'a');
    api.put(PODS, pod('a', 'a', 'another'));
    expect(types(await settle())).toEqual(['ADDED', 'DELETED']);
  });

  it.each(['stop', 'kill'] as const)('after a %s it tells what happened meanwhile, and only that', async (end) => {
    await begin();
    for (let i = 0; i < 20; i++) api.put(PODS, pod(`p${i}`, 'x'));
    await settle();
    await run[end]();
    api.remove(PODS, 'dev', 'p3');
    api.put(PODS, pod('p4', 'y'));
    api.put(PODS, pod('p99', 'new'));
    const away = await begin();
    expect(away.map(({ type, object }) => `${type} ${object.metadata.name}`).toSorted()).toEqual([
      'ADDED p99',
      'DELETED p3',
      'MODIFIED p4',
    ]);
    expect(losses).toContainEqual(expect.objectContaining({ reason: 'NOT_RUNNING' }));
  });

  it('a spool that was removed is a new beginning', async () => {
    await begin();
    await run.stop();
    rmSync(path.join(folder, 'spool'), { recursive: true });
    journal = [];
    expect(types(await begin())).toEqual(['STATE', 'STATE', 'STATE', 'STATE']);
  });

  it('finds by itself what a watch lost without a word', async () => {
    await begin({ silenceMs: 60_000, relistMs: 300 });
    api.stall();
    api.put(PODS, pod('a', 'unheard'));
    expect(types(await settle())).toEqual(['MODIFIED']);
  });

  it('ends at the truth under any mixture of faults', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...FAULTS), { minLength: 3, maxLength: 6 }), async (faults) => {
        if (journal.length === 0) await begin();
        for (const [i, fault] of faults.entries()) {
          await fault(api);
          const name = `p${i % 3}`;
          if (i % 3 === 2) api.remove(PODS, 'dev', `p${(i - 1) % 3}`);
          else api.put(PODS, pod(name, `${fault.name}-${i}-${journal.length}`));
          await wait(10);
        }
        await settle();
      }),
      { numRuns: 4 },
    );
  }, 120_000);
});

const FAULTS: readonly ((api: FakeKubeApi) => void | Promise<void>)[] = [
  (api) => api.cut(),
  (api) => api.stall(),
  (api) => api.forget(),
  (api) => api.repeat(5, (changes) => changes.toReversed()),
  async (api) => {
    await api.close();
    await api.listen();
  },
];
