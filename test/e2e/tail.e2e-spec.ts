import { createToken, notifyObserved } from '@whydrop/storage';
import type { RunningApi } from '../../apps/api/src/start.js';
import { openTestApi } from '../../apps/api/test/api.js';
import { openTestDatabase, type OpenTestDatabase } from '../../apps/api/test/database.js';
import { storeStory } from '../../apps/api/test/story.js';
import { runWhydrop } from '../../apps/cli/test/run.js';

let db: OpenTestDatabase;
let api: RunningApi;
let token: string;

beforeAll(async () => {
  db = await openTestDatabase();
  await storeStory(db);
  token = (await createToken(db, { name: 'tail', role: 'viewer' })).text;
  api = await openTestApi(db);
});

afterAll(async () => {
  await api.close();
  await db.drop();
});

const run = (...args: readonly string[]) => runWhydrop('tail', '--url', api.url, ...args);

/** Tells the drop of the story until somebody has heard it. */
async function tellUntil(done: Promise<unknown>): Promise<void> {
  let ended = false;
  void done.finally(() => (ended = true));
  const { rows } = await db.pool.query<{ id: string }>('SELECT id FROM "drop"');
  while (!ended) {
    await db.transaction((client) =>
      notifyObserved(
        client,
        rows.map(({ id }) => id),
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

it('shows a drop when it is explained, as drops does', async () => {
  const running = run('--token', token, '--namespace', 'qa', '--json', '--count', '1');
  await tellUntil(running);
  const { code, out, err } = await running;
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(JSON.parse(out)).toMatchObject({ source: { pod: { namespace: 'qa' } }, verdict: expect.any(String) });
});

it('for a person: one drop, one sentence', async () => {
  const running = run('--token', token, '--count', '1');
  await tellUntil(running);
  const { out } = await running;
  expect(out).toMatch(/^\S+  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z  /);
  expect(out).toMatch(/was dropped on ingress/);
});

it('ends with the reason when the token is none, the server is not there, or an option is wrong', async () => {
  expect(await run('--token', 'nonsense')).toMatchObject({
    code: 2,
    err: expect.stringMatching(/the token is not known/),
  });
  const away = await run('--token', token, '--url', 'http://127.0.0.1:1');
  expect(away).toMatchObject({ code: 2, err: expect.stringMatching(/127\.0\.0\.1:1/) });
  expect(await run('--since', 'soon')).toMatchObject({
    code: 2,
    err: expect.stringMatching(/--since soon: write it as/),
  });
});
