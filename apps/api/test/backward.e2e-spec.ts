import { createToken } from '@whydrop/storage';
import type { RunningApi } from '../src/start.js';
import { openTestApi } from './api.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';
import { storeMany, storeStory } from './story.js';

let db: OpenTestDatabase;
let api: RunningApi;
let token: string;

beforeAll(async () => {
  db = await openTestDatabase();
  await storeStory(db);
  await storeMany(db, 100);
  token = (await createToken(db, { name: 'reader', role: 'viewer' })).text;
  api = await openTestApi(db);
});

afterAll(async () => {
  await api.close();
  await db.drop();
});

interface Page {
  readonly nodes: readonly { readonly key: string }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string;
    readonly endCursor: string;
  };
}

async function page(list: string, variables: object, direction: string): Promise<Page> {
  const range = 'filter: {timeRange: {from: "2026-11-20T00:00:00Z"}}';
  const query = `query ($first: Int! = 50, $after: String, $last: Int, $before: String) {
    ${list}(${range}, orderBy: {direction: ${direction}}, first: $first, after: $after, last: $last, before: $before) {
      nodes { key } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as {
    data?: Record<string, Page>;
    errors?: readonly { message: string }[];
  };
  if (errors) throw new Error(errors[0]?.message);
  return data?.[list] as Page;
}

const keysOf = ({ nodes }: Page) => nodes.map(({ key }) => key);

describe.each([
  ['drops', 'DESC'],
  ['drops', 'ASC'],
  ['dropGroups', 'DESC'],
])('%s, %s', (list, direction) => {
  it('backward, page by page, is the same list', async () => {
    const whole = keysOf(await page(list, { first: 500 }, direction));
    const found: string[] = [];
    let before: string | undefined;
    for (let more = true; more;) {
      const next = await page(list, { last: 7, before }, direction);
      expect(next.pageInfo.hasNextPage).toBe(before !== undefined);
      found.unshift(...keysOf(next));
      before = next.pageInfo.startCursor;
      more = next.pageInfo.hasPreviousPage;
    }
    expect(found).toEqual(whole);
  });

  it('one page on and one page back is where it began', async () => {
    const first = await page(list, { first: 2 }, direction);
    const second = await page(list, { first: 2, after: first.pageInfo.endCursor }, direction);
    const back = await page(list, { last: 2, before: second.pageInfo.startCursor }, direction);
    expect(keysOf(back)).toEqual(keysOf(first));
  });
});

it.each([
  [{ last: 0 }, 'last: must be from 1 to 500'],
  [{ last: 501 }, 'last: must be from 1 to 500'],
  [{ last: 2, after: 'x' }, 'after: give first and after, or last and before'],
  [{ last: 2, before: 'x' }, 'before: is not a cursor'],
])('%j: %s', async (variables, message) => {
  await expect(page('drops', variables, 'DESC')).rejects.toThrow(message);
});
