import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { choosePort, freePort } from './port.js';

let memory: string;
let other: Server;
let taken: number;

beforeEach(async () => {
  memory = path.join(mkdtempSync(path.join(tmpdir(), 'whydrop-port-')), 'port');
  other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  taken = (other.address() as AddressInfo).port;
});

afterEach(() => {
  other.close();
  rmSync(path.dirname(memory), { recursive: true, force: true });
});

describe('a port for a server of our own', () => {
  it('is the wanted one, or none when that is taken', async () => {
    const wanted = await freePort();
    await expect(choosePort(memory, wanted)).resolves.toBe(wanted);
    await expect(choosePort(memory, taken)).rejects.toThrow(`port ${taken} of 127.0.0.1 is taken`);
  });

  it('is the one of the last start while it is free', async () => {
    const last = await freePort();
    writeFileSync(memory, String(last));
    await expect(choosePort(memory)).resolves.toBe(last);
    writeFileSync(memory, String(taken));
    await expect(choosePort(memory)).resolves.not.toBe(taken);
  });

  it('is none that a connection may be given while the server is away', async () => {
    for (let tries = 0; tries < 50; tries++) expect(await freePort()).toBeLessThan(32_768);
  });

  it.each(['', 'x', '0', '70000'])('is any when the memory says %p', async (text) => {
    writeFileSync(memory, text);
    await expect(choosePort(memory)).resolves.toBeGreaterThan(0);
  });
});
