import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { testDatabase, type TestDatabase } from '@whydrop/testing';
import { type Database, openDatabase } from './database.js';
import { openReader, type Reader } from './read/reader.js';

let test: TestDatabase;
let database: Database;
let reader: Reader;

beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase(test.url);
  reader = openReader(database);
});

afterAll(async () => {
  await reader.close();
  await database.close();
  await test.drop();
});

const SHOW = `SELECT name, setting FROM pg_settings WHERE name LIKE 'tcp_%' ORDER BY name`;
const ALIVE = [
  { name: 'tcp_keepalives_count', setting: '3' },
  { name: 'tcp_keepalives_idle', setting: '10' },
  { name: 'tcp_keepalives_interval', setting: '5' },
  { name: 'tcp_user_timeout', setting: '25000' },
];

/** Of the sockets of this process to a port: the kind of timer that the kernel runs on each; 02 is keepalive. */
function timersTo(port: string): readonly string[] {
  const own = new Set(
    readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? [];
      } catch {
        return []; // closed meanwhile
      }
    }),
  );
  const hex = Number(port).toString(16).toUpperCase().padStart(4, '0');
  const rows = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1).map((line) => line.trim().split(/\s+/)); // prettier-ignore
  return rows.flatMap(([, , remote, , , timer, , , , inode]) =>
    remote?.endsWith(`:${hex}`) && own.has(inode ?? '') ? [timer?.slice(0, 2) ?? ''] : [],
  );
}

describe('a machine that vanishes without a word', () => {
  it('is found out by the server, whoever asks', async () => {
    expect((await database.pool.query(SHOW)).rows).toEqual(ALIVE);
    expect(await database.prisma.$queryRawUnsafe(SHOW)).toEqual(ALIVE);
    expect(await reader.rows({ text: SHOW, values: [] })).toEqual(ALIVE);
  });

  const linux = process.platform === 'linux' ? ['by us'] : [];
  it.each(linux)('is found out %s', async () => {
    await Promise.all([database.pool.query(SHOW), reader.rows({ text: SHOW, values: [] })]);
    const timers = timersTo(new URL(test.url).port);
    expect(timers.length).toBeGreaterThan(1);
    expect(new Set(timers)).toEqual(new Set(['02']));
  });
});
