import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { FakeKubeApi } from '../../test/fake-kube-api.js';
import {
  type Heard,
  pod,
  PODS,
  type RunOptions,
  type Told,
  truth,
  replayed,
  wait,
  WatcherRun,
} from '../../test/watcher-run.js';
import { pauseAfter } from './kind-watch.js';

async function until(done: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = performance.now() + 20_000; !(await done()); await wait(10))
    if (performance.now() > end) throw new Error(`it did not come: ${what}`);
}

describe('a watch that is not well', () => {
  let folder = '';
  let api: FakeKubeApi;
  let run: WatcherRun | undefined;
  let heard: Heard;
  let journal: Told[];

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'whydrop-trouble-'));
    [heard, journal] = [{ losses: [], warnings: [] }, []];
    api = new FakeKubeApi();
    await api.listen();
    writeFileSync(path.join(folder, 'kubeconfig'), api.kubeconfig);
    api.put(PODS, pod('a', 'a'));
  });
  afterEach(async () => {
    await run?.stop();
    await api.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const begin = async (options: RunOptions = {}) => {
    run = await WatcherRun.start(folder, heard, options);
  };
  const well = () => until(() => run?.reader.trouble === undefined, 'all is well');
  const agrees = () =>
    until(async () => {
      journal.push(...((await run?.told()) ?? []));
      return isDeepStrictEqual(replayed(journal), truth(api));
    }, 'what was told is what is there');
  const mark = () => statSync(path.join(folder, 'cluster-alive')).mtimeMs;

  it('says so when the API goes, and not any more when it is back', async () => {
    await begin();
    await well();
    await api.close();
    await until(() => run?.reader.trouble !== undefined, 'trouble');
    await api.listen();
    await well();
  });

  it('the time without the API is a gap, over restarts without it', async () => {
    await begin({ times: { aliveMs: 10 } });
    await well();
    await agrees();
    const before = mark();
    await until(() => mark() > before, 'it is noted that all is well');
    await api.close();
    await until(() => run?.reader.trouble !== undefined, 'trouble');
    let last = 0;
    // What was being noted when the trouble came may come to the disk yet.
    for (; last !== mark(); await wait(100)) last = mark();
    for (let restart = 0; restart < 2; restart++) {
      await wait(100);
      await run?.stop();
      await begin({ times: { aliveMs: 10 } });
    }
    expect(mark()).toBeCloseTo(last, -1);
    await api.listen();
    await agrees();
    await until(() => heard.losses.some(({ reason }) => reason === 'NOT_RUNNING'), 'a gap');
    expect(Math.min(...heard.losses.map(({ from }) => from))).toBeCloseTo(last, -1);
    expect(Math.max(...heard.losses.map(({ to, from }) => to - from))).toBeGreaterThan(200);
  });

  it('a quiet watch is begun again after the silence, and not before: each is heard from when it was opened', async () => {
    api.withoutBookmarks();
    await begin({ times: { silenceMs: 600 } });
    await until(() => api.lifetimes.length >= 3 * api.watches && api.watches > 0, 'each was begun again three times');
    expect(Math.min(...api.lifetimes)).toBeGreaterThan(550);
    expect(heard.warnings).toEqual([]);
  });

  it('a watch that gets no answer is given up, and begun again', async () => {
    await begin({ times: { beginMs: 150 } });
    await agrees();
    api.break(PODS, 0);
    const asked = () => api.asked.get(PODS) ?? 0;
    const before = asked();
    await until(() => asked() >= before + 3, 'it is asked again');
    expect(run?.reader.trouble).toMatch(/^pods: .*no answer within/);
    api.break(PODS, 200);
    api.put(PODS, pod('b', 'in the silence'));
    await agrees();
    await well();
  });

  it('what is forbidden or missing is asked for ever more rarely, up to a minute', () => {
    const pauses = (status: number | undefined) => [1, 2, 3, 8, 50].map((failures) => pauseAfter(status, failures, 1));
    expect(pauses(403)).toEqual([1_000, 2_000, 4_000, 60_000, 60_000]);
    expect(pauses(404)).toEqual(pauses(403));
    expect(pauses(503)).toEqual([250, 500, 1_000, 2_000, 2_000]);
    expect(pauses(undefined)).toEqual(pauses(503));
  });

  it('the same refusal is said once', async () => {
    await begin();
    await agrees();
    api.break(PODS, 503);
    const before = api.asked.get(PODS) ?? 0;
    await until(() => (api.asked.get(PODS) ?? 0) >= before + 4, 'it is asked again and again');
    expect(heard.warnings.filter((each) => each.includes('it answers 503'))).toHaveLength(1);
  });

  it('a clock that steps back stops neither the watchdog nor the relist', async () => {
    let back = 0;
    await begin({ times: { silenceMs: 300, relistMs: 900 }, now: () => Date.now() - back });
    await agrees();
    back = 3_600_000;
    api.stall();
    api.put(PODS, pod('b', 'in the silence'));
    await agrees();
    const { lists } = api;
    await until(() => api.lists > lists, 'everything is listed again');
  });

  it('stops reading when the spool is full, and loses nothing', async () => {
    const maxBytes = 256 * 1024;
    await begin({ maxBytes, times: { aliveMs: 10 } });
    await agrees();
    const changes = 3_000;
    const text = () => ({ ...pod('a', 'a'), spec: { nodeName: randomBytes(700).toString('hex') } });
    for (let i = 0; i < changes; i++) api.put(PODS, text());
    await until(() => run?.reader.trouble?.includes('no room') === true, 'the spool is full');
    // Some 4 MiB were said, of which half may be told.
    await wait(500);
    expect(run?.spool.bytes).toBeGreaterThanOrEqual(maxBytes);
    expect(run?.spool.bytes).toBeLessThan(1024 * 1024);
    expect(heard.warnings).toEqual([expect.stringContaining('no room')]);
    await agrees();
    await well();
    expect(journal.filter(({ type }) => type === 'MODIFIED')).toHaveLength(changes);
    expect(heard.losses).toEqual([]);
  });

  it('ends while the spool is full', async () => {
    await begin({ maxBytes: 1 });
    await until(() => run?.reader.trouble !== undefined, 'trouble');
    await run?.stop();
    run = undefined;
    await begin();
    await agrees();
  });
});
