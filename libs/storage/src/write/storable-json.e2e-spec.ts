import { testDatabase, type TestDatabase } from '@whydrop/testing';
import fc from 'fast-check';
import { type Database, openDatabase } from '../database.js';
import { CopyRows } from './copy.js';
import { storableJson } from './storable-json.js';

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase(test.url);
});

afterAll(async () => {
  await database.close();
  await test.drop();
});

/** Halves of surrogate pairs, NUL, and what looks like their escapes. */
const TEXT = fc
  .array(fc.constantFrom('\0', '\ud83d', '\ude00', '😀', '\\', '\\u0000', '\\ud83d', '"', '\n', 'ü', 'a', '0000'))
  .map((parts) => parts.join(''));

/** The same text with U+FFFD for what jsonb cannot hold. */
const held = (text: string) => Buffer.from(text.replaceAll('\0', '\uFFFD')).toString();

it('changes nothing but what jsonb cannot hold', () => {
  fc.assert(
    fc.property(TEXT, (text) => {
      expect(JSON.parse(storableJson(JSON.stringify([text, { [text]: text }])))).toEqual([
        held(text),
        { [held(text)]: held(text) },
      ]);
    }),
    { numRuns: 2_000 },
  );
});

it('is taken by the database', async () => {
  const texts = [...fc.sample(TEXT, { numRuns: 300, seed: 1 }), 'the enforcer said: \ud83d'];
  await database.transaction(async (client) => {
    await client.query('CREATE TEMP TABLE told (body jsonb, "at" int4) ON COMMIT DROP');
    const rows = new CopyRows('told', ['body', 'at']);
    for (const [at, text] of texts.entries()) rows.row().json({ text }).int4(at);
    await rows.send(client);
    const { rows: stored } = await client.query<{ text: string }>(
      `SELECT body ->> 'text' AS text FROM told ORDER BY at`,
    );
    expect(stored.map(({ text }) => text)).toEqual(texts.map(held));
  });
});
