import { databaseUrlOf, onDatabase } from './database-fault.js';

it('a DATABASE_URL that is no address is refused by name', () => {
  expect(databaseUrlOf({})).toBeUndefined();
  expect(databaseUrlOf({ DATABASE_URL: 'postgresql://u:p@h/d' })).toBe('postgresql://u:p@h/d');
  for (const url of ['nonsense', 'mysql://h/d', 'postgres://[h/d'])
    expect(() => databaseUrlOf({ DATABASE_URL: url })).toThrow('DATABASE_URL: must be postgres://');
});

describe('work on a database', () => {
  const url = 'postgres://u:secret@db.example:5432/whydrop';
  const failing = (error: Error) => onDatabase(url, () => Promise.reject(error));

  it('names the server that is away, and not its password', async () => {
    const away = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:5432'), { code: 'ECONNREFUSED' });
    await expect(failing(away)).rejects.toThrow(
      'PostgreSQL at db.example:5432 cannot be reached (connect ECONNREFUSED 10.0.0.1:5432): is DATABASE_URL right?',
    );
  });

  it('leaves every other fault as it is', async () => {
    const fault = Object.assign(new Error('password authentication failed'), { code: '28P01' });
    await expect(failing(fault)).rejects.toBe(fault);
  });
});
