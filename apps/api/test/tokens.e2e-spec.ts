import { authenticate, createToken, listTokens, revokeToken } from '@whydrop/storage';
import { openTestDatabase, type OpenTestDatabase } from './database.js';

let db: OpenTestDatabase;

beforeAll(async () => {
  db = await openTestDatabase();
});

afterAll(() => db.drop());

describe('tokens', () => {
  it('say who one is, until they are revoked', async () => {
    const { id, text } = await createToken(db, { name: 'node1', role: 'ingest' });
    expect(await authenticate(db, text)).toEqual({ tokenId: id, name: 'node1', role: 'ingest' });
    expect(await revokeToken(db, id)).toBe(true);
    expect(await authenticate(db, text)).toBeUndefined();
  });

  it('of the same name are different ones; a right id with a wrong secret is nobody', async () => {
    const one = await createToken(db, { name: 'same', role: 'viewer' });
    const two = await createToken(db, { name: 'same', role: 'viewer' });
    expect(one.text).not.toBe(two.text);
    await db.pool.query(
      'UPDATE api_token SET secret_hash = (SELECT secret_hash FROM api_token WHERE id = $2) WHERE id = $1',
      [one.id, two.id],
    );
    expect(await authenticate(db, one.text)).toBeUndefined();
    expect(await authenticate(db, two.text)).toMatchObject({ tokenId: two.id });
  });

  it('are listed without what was secret, and never stored with it', async () => {
    const { id, text } = await createToken(db, { name: 'listed', role: 'admin' });
    const listed = (await listTokens(db)).find((token) => token.id === id);
    expect(listed).toEqual({ id, name: 'listed', role: 'admin', createdAt: expect.any(Date), revokedAt: undefined });
    const { rows } = await db.pool.query<{ row: string }>('SELECT t::text AS row FROM api_token t');
    const secret = text.split('_')[2] ?? '';
    await revokeToken(db, id);
    expect((await listTokens(db)).find((token) => token.id === id)?.revokedAt).toEqual(expect.any(Date));
    expect(rows.every(({ row }) => !row.includes(secret))).toBe(true);
  });
});
