import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { KubernetesObject } from '@whydrop/model';
import { FakeKubeApi } from '../../test/fake-kube-api.js';
import {
  type Heard,
  pod,
  PODS,
  replayed,
  type RunOptions,
  type Told,
  wait,
  WatcherRun,
} from '../../test/watcher-run.js';

const CRDS = 'crd.projectcalico.org/v1';
const SERVER = 'projectcalico.org/v3';
const CALICO = ['globalnetworkpolicies', 'tiers'];

function denyAll(apiVersion: string): KubernetesObject {
  return { apiVersion, kind: 'GlobalNetworkPolicy', metadata: { name: 'deny-all' }, spec: { selector: 'all()' } };
}

describe('the kinds that are watched', () => {
  let folder = '';
  let api: FakeKubeApi;
  let run: WatcherRun | undefined;
  let heard: Heard;
  let journal: Told[];

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'whydrop-kinds-'));
    [heard, journal] = [{ losses: [], warnings: [] }, []];
    api = new FakeKubeApi();
    await api.listen();
    writeFileSync(path.join(folder, 'kubeconfig'), api.kubeconfig);
    api.put(PODS, pod('a', 'a'));
    install(CRDS);
  });
  afterEach(async () => {
    await run?.stop();
    await api.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function install(group: string): void {
    api.serve(group, CALICO);
    api.put(`/apis/${group}/globalnetworkpolicies`, denyAll(group));
  }

  const begin = async (options: RunOptions = {}) => {
    run = await WatcherRun.start(folder, heard, options);
  };
  const end = async () => {
    await run?.stop();
    run = undefined;
  };
  /** Waits until a reader of all records knows of these, and nothing is wrong with the watch. */
  const known = async (names: readonly string[], well = true) => {
    const now = () => [...replayed(journal).keys()].toSorted();
    for (let i = 0; i < 800; i++) {
      journal.push(...((await run?.told()) ?? []));
      if (JSON.stringify(now()) === JSON.stringify(names) && (run?.reader.trouble === undefined) === well) return;
      await wait(25);
    }
    expect([run?.reader.trouble, now()]).toEqual([well ? undefined : expect.any(String), names]);
  };
  const POD = ' Pod dev/a';
  const BY_CRD = 'crd.projectcalico.org GlobalNetworkPolicy /deny-all';
  const BY_SERVER = 'projectcalico.org GlobalNetworkPolicy /deny-all';

  it.each([true, false])(
    'a policy that Calico’s API server gives too stands once; it came while away: %s',
    async (away) => {
      await begin({ times: { discoverMs: 100 } });
      await known([POD, BY_CRD]);
      if (away) await end();
      install(SERVER);
      if (away) await begin();
      await known([POD, BY_SERVER]);
      const policies = journal.filter(({ object }) => object.kind === 'GlobalNetworkPolicy');
      // It is never gone in between.
      expect(policies.map(({ type, object }) => `${type} ${object.apiVersion}`)).toEqual([
        `STATE ${CRDS}`,
        `${away ? 'ADDED' : 'STATE'} ${SERVER}`,
        `DELETED ${CRDS}`,
      ]);
    },
  );

  it('only Calico’s API server goes: the custom resource stands again', async () => {
    install(SERVER);
    await begin({ times: { discoverMs: 100 } });
    await known([POD, BY_SERVER]);
    api.withdraw(SERVER);
    await known([POD, BY_CRD]);
  });

  it.each([true, false])('Calico is removed, and its policies with it; while away: %s', async (away) => {
    install(SERVER);
    await begin({ times: { discoverMs: 100 } });
    await known([POD, BY_SERVER]);
    if (away) await end();
    api.withdraw(CRDS);
    api.withdraw(SERVER);
    if (away) await begin();
    await known([POD]);
  });

  it('an API that has just begun and does not name all that it has: nothing is taken for gone', async () => {
    await begin();
    await known([POD, BY_CRD]);
    await end();
    api.hide(CRDS);
    await begin();
    await known([POD, BY_CRD], false);
    for (const asked = api.asked.get('/apis') ?? 0; (api.asked.get('/apis') ?? 0) < asked + 3;) await wait(10);
    await known([POD, BY_CRD], false);
    expect(run?.reader.trouble).toContain('GlobalNetworkPolicy');
  });

  it('a group that does not answer blinds nobody to the rest, and what was told of it stands', async () => {
    install(SERVER);
    await begin();
    await known([POD, BY_SERVER]);
    await end();
    api.break(`/apis/${SERVER}`, 503);
    api.put(PODS, pod('b', 'b'));
    await begin();
    await known([POD, ' Pod dev/b', BY_SERVER], false);
    expect(run?.reader.trouble).toMatch(/projectcalico\.org does not answer.*503/);
    api.put(PODS, pod('c', 'c'));
    await known([POD, ' Pod dev/b', ' Pod dev/c', BY_SERVER], false);
    expect(heard.warnings.filter((each) => each.includes('does not answer'))).toHaveLength(1);
    api.break(`/apis/${SERVER}`, 200);
    await known([POD, ' Pod dev/b', ' Pod dev/c', BY_SERVER]);
  });

  it('nothing was ever told of a group that does not answer: Calico’s custom resources are read', async () => {
    install(SERVER);
    api.break(`/apis/${SERVER}`, 503);
    await begin();
    await known([POD, BY_CRD], false);
    api.break(`/apis/${SERVER}`, 200);
    await known([POD, BY_SERVER]);
  });

  it('where Calico’s API server lets nobody list policies, the custom resources are read', async () => {
    install(SERVER);
    api.break(`/apis/${SERVER}/globalnetworkpolicies`, 403);
    await begin();
    await known([POD, BY_CRD]);
    await end();
    await begin();
    await known([POD, BY_CRD]);
  });

  it('what is installed later was not missed before', async () => {
    await begin();
    await known([POD, BY_CRD]);
    await end();
    await begin({ times: { discoverMs: 100 } });
    await known([POD, BY_CRD]);
    const missed = heard.losses.length;
    expect(missed).toBeGreaterThan(0);
    api.serve('policy.networking.k8s.io/v1alpha1', ['adminnetworkpolicies', 'baselineadminnetworkpolicies']);
    const allow = { apiVersion: 'policy.networking.k8s.io/v1alpha1', kind: 'BaselineAdminNetworkPolicy' };
    api.put('/apis/policy.networking.k8s.io/v1alpha1/baselineadminnetworkpolicies', {
      ...allow,
      metadata: { name: 'default' },
    });
    await known([POD, BY_CRD, 'policy.networking.k8s.io BaselineAdminNetworkPolicy /default']);
    expect(heard.losses.length).toBe(missed);
  });

  it('a kind that moves to another version is followed there', async () => {
    const [old, fresh] = ['policy.networking.k8s.io/v1alpha1', 'policy.networking.k8s.io/v1beta1'];
    const policy = (apiVersion: string) => ({ apiVersion, kind: 'AdminNetworkPolicy', metadata: { name: 'x' } });
    api.put(`/apis/${old}/adminnetworkpolicies`, policy(old));
    await begin({ times: { discoverMs: 100 } });
    const name = 'policy.networking.k8s.io AdminNetworkPolicy /x';
    await known([POD, BY_CRD, name]);
    api.serve(fresh, ['adminnetworkpolicies']);
    api.put(`/apis/${fresh}/adminnetworkpolicies`, policy(fresh));
    api.withdraw(old);
    const moved = () => replayed(journal).get(name)?.includes(fresh);
    for (let i = 0; i < 200 && !moved(); i++) {
      journal.push(...((await run?.told()) ?? []));
      await wait(25);
    }
    expect(moved()).toBe(true);
  });
});
