import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Users } from './users.js';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'whydrop-users-'));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('the users of a shared server', () => {
  it('know who is the last to leave', () => {
    const [first, second] = [new Users(dir), new Users(dir)];
    first.enter();
    second.enter();
    expect(first.leave()).toBe(false);
    expect(second.leave()).toBe(true);
  });

  it('do not count the dead, and clear up after them', () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    writeFileSync(path.join(dir, `${pid}.1`), '');
    const self = new Users(dir);
    self.enter();
    expect(self.leave()).toBe(true);
    expect(readdirSync(dir)).toEqual([]);
  });
});
