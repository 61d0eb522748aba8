import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { KubernetesObject } from '@whydrop/model';
import { Registry } from 'prom-client';
import { Bases } from '../src/batch/bases.js';
import { Batcher } from '../src/batch/batcher.js';
import { ClusterReader, type ClusterReaderTimes } from '../src/cluster/cluster-reader.js';
import { keyOf } from '../src/cluster/known.js';
import { meaning, trimmed } from '../src/cluster/trim.js';
import type { Loss } from '../src/read/reader.js';
import { pastOf } from '../src/spool/past.js';
import { Spool } from '../src/spool/spool.js';
import type { FakeKubeApi } from './fake-kube-api.js';

export interface Told {
  readonly at: string;
  readonly type: string;
  readonly object: KubernetesObject;
}

export const PODS = '/api/v1/pods';
export const POLICIES = '/apis/networking.k8s.io/v1/networkpolicies';

export function pod(name: string, app: string, uid = name): KubernetesObject {
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

export function policy(name: string, port: number): KubernetesObject {
  const spec = { podSelector: {}, policyTypes: ['Ingress'], ingress: [{ ports: [{ port }] }] };
  return { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace: 'dev' }, spec };
}

export const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a run says beside its records. */
export interface Heard {
  readonly losses: Loss[];
  readonly warnings: string[];
}

export interface RunOptions {
  readonly times?: ClusterReaderTimes;
  readonly maxBytes?: number;
  readonly now?: () => number;
}

/** One run of the watcher over a folder; a killed one leaves what was on the disk. */
export class WatcherRun {
  private constructor(
    readonly spool: Spool,
    private readonly batcher: Batcher,
    readonly reader: ClusterReader,
  ) {}

  static async start(folder: string, heard: Heard, options: RunOptions = {}): Promise<WatcherRun> {
    const { times, maxBytes = 2 ** 26, now = Date.now } = options;
    const report = () => ({
      class: 'control' as const,
      stream: 'gaps',
      records: 1,
      from: 0,
      to: 0,
      body: () => Buffer.from(''),
    });
    const spool = await Spool.open({ folder: path.join(folder, 'spool'), maxBytes, report });
    const batcher = new Batcher({
      emitter: { cluster: 'c', node: '' },
      spool,
      bases: new Bases(),
      flushMs: 5,
      now: Date.now,
    });
    const watch = {
      now,
      lost: (loss: Loss) => heard.losses.push(loss),
      alive: () => undefined,
      warn: (_reader: string, message: string) => heard.warnings.push(message),
    };
    const parts = {
      kubeconfig: path.join(folder, 'kubeconfig'),
      folder,
      sink: batcher,
      watch,
      past: pastOf(spool),
      maxBytes,
      times: { silenceMs: 400, relistMs: 60_000, retryMs: 50, ...times },
    };
    const reader = new ClusterReader({ ...parts, registry: new Registry() });
    reader.start();
    return new WatcherRun(spool, batcher, reader);
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
export function replayed(told: readonly Told[]): ReadonlyMap<string, string> {
  const state = new Map<string, string>();
  for (const { type, object } of told) {
    if (type === 'DELETED') state.delete(keyOf(object));
    else state.set(keyOf(object), meaning(object));
  }
  return state;
}

export function truth(api: FakeKubeApi): ReadonlyMap<string, string> {
  return new Map([...api.truth.values()].map((object) => [keyOf(object), meaning(trimmed(object))]));
}
