import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { FakeKubeApi } from '../../test/fake-kube-api.js';
import {
  type Heard,
  pod,
  PODS,
  POLICIES,
  policy,
  replayed,
  type Told,
  truth,
  wait,
  WatcherRun,
} from '../../test/watcher-run.js';

describe('the watcher', () => {
  let folder = '';
  let api: FakeKubeApi;
  let run: WatcherRun;
  let heard: Heard;
  let journal: Told[];

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'whydrop-watch-'));
    [heard, journal] = [{ losses: [], warnings: [] }, []];
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
    run = await WatcherRun.start(folder, heard, times ? { times } : {});
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
    expect(heard.losses).toEqual([]);
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
    expect(heard.losses).toEqual([]);
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
    expect(heard.losses).toContainEqual(
      expect.objectContaining({ stream: 'cluster/events.jsonl', reason: 'EVENTS_LOST' }),
    );
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
    expect(heard.losses).toContainEqual(expect.objectContaining({ reason: 'NOT_RUNNING' }));
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
