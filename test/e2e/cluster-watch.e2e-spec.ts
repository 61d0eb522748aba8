import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject } from '@whydrop/model';
import { FakeKubeApi } from '../../apps/collector/test/fake-kube-api.js';
import { startStack, type Stack } from './stack.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PODS = '/api/v1/pods';
const POLICIES = '/apis/networking.k8s.io/v1/networkpolicies';

function pod(name: string, app: string): KubernetesObject {
  const metadata = { name, namespace: 'dev', uid: `uid-${name}`, labels: { app } };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [] }, status: { podIP: '10.0.0.1' } };
}

function policy(port: number): KubernetesObject {
  const spec = { podSelector: {}, policyTypes: ['Ingress'], ingress: [{ ports: [{ port }] }] };
  const metadata = { name: 'web', namespace: 'dev', uid: 'uid-web' };
  return { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata, spec };
}

const IN_FORCE = `
  SELECT kind || ' ' || name || ' ' || (object #>> '{metadata,resourceVersion}') AS what FROM object_version
   WHERE valid_to IS NULL AND change <> 'DELETED' ORDER BY 1`;

describe('a watcher between the Kubernetes API and PostgreSQL', () => {
  let folder: string;
  let api: FakeKubeApi;
  let stack: Stack;
  let watcher: ChildProcess | undefined;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'whydrop-watcher-'));
    api = new FakeKubeApi();
    await api.listen();
    writeFileSync(path.join(folder, 'kubeconfig'), api.kubeconfig);
    stack = await startStack('postgres');
  });
  afterAll(async () => {
    await end('SIGKILL');
    await stack.stop();
    await api.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function start(): void {
    const where = ['--url', stack.url, '--token', stack.token, '--cluster', 'watched'];
    const own = ['--spool', path.join(folder, 'spool'), '--kubeconfig', path.join(folder, 'kubeconfig')];
    const args = [path.join(ROOT, 'bin/whydrop'), 'collector', '--cluster-watch', ...where, ...own];
    watcher = spawn(process.execPath, args, { stdio: 'ignore' });
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (!watcher) return;
    const exit = once(watcher, 'exit');
    watcher.kill(signal);
    await exit;
    watcher = undefined;
  }

  /** Waits until PostgreSQL holds in force what the Kubernetes API has. */
  async function agrees(): Promise<void> {
    const real = [...api.truth.values()]
      .map(({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.resourceVersion}`)
      .toSorted();
    let stored: readonly string[] = [];
    for (let i = 0; i < 300 && JSON.stringify(stored) !== JSON.stringify(real); i++) {
      await sleep(50);
      const { rows } = await stack.database.pool.query<{ what: string }>(IN_FORCE);
      stored = rows.map(({ what }) => what).toSorted();
    }
    expect(stored).toEqual(real);
  }

  it('objects are stored as they change, and what happened while it was dead is told afterwards', async () => {
    for (const name of ['a', 'b', 'c']) api.put(PODS, pod(name, name));
    api.put(POLICIES, policy(80));
    start();
    await agrees();
    api.put(POLICIES, policy(443));
    api.remove(PODS, 'dev', 'a');
    await agrees();
    await end('SIGKILL');
    api.remove(PODS, 'dev', 'b');
    api.put(PODS, pod('c', 'changed'));
    api.put(PODS, pod('d', 'new'));
    start();
    await agrees();
    api.cut();
    api.put(POLICIES, policy(8080));
    await agrees();
    await end('SIGTERM');
    const { rows } = await stack.database.pool.query<{ change: string; port: string; until: Date | null }>(
      `SELECT change, object #>> '{spec,ingress,0,ports,0,port}' AS port, valid_to AS until FROM object_version
        WHERE kind = 'NetworkPolicy' ORDER BY valid_from`,
    );
    expect(rows.map(({ change, port }) => `${change} ${port}`)).toEqual(['STATE 80', 'MODIFIED 443', 'MODIFIED 8080']);
    expect(rows.map(({ until }) => until === null)).toEqual([false, false, true]);
    const gaps = await stack.database.pool.query<{ reason: string }>('SELECT DISTINCT reason FROM gap');
    expect(gaps.rows.map(({ reason }) => reason)).toEqual(['NOT_RUNNING']);
  });
});
