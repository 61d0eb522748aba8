import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { dataHome } from './data-home.js';

const folder = mkdtempSync(path.join(tmpdir(), 'whydrop-test-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('where data lives', () => {
  it('is where WHYDROP_DATA says, and is made', () => {
    const wanted = path.join(folder, 'a', 'b');
    expect(dataHome({ WHYDROP_DATA: wanted, XDG_DATA_HOME: folder })).toBe(wanted);
    expect(existsSync(wanted)).toBe(true);
  });

  it('says what to do when it cannot be made', () => {
    const file = path.join(folder, 'file');
    writeFileSync(file, '');
    expect(() => dataHome({ WHYDROP_DATA: file })).toThrow(/file cannot hold the data .*: set WHYDROP_DATA to another/);
  });

  it('is refused at once where no folder can be made', () => {
    expect(() => dataHome({ WHYDROP_DATA: '/proc/whydrop/data' })).toThrow(/cannot hold the data .*ENOENT/);
  });

  it('is the data folder of an ordinary user', () => {
    const root = process.getuid;
    process.getuid = () => 1000;
    try {
      expect(dataHome({ XDG_DATA_HOME: folder })).toBe(path.join(folder, 'whydrop'));
    } finally {
      process.getuid = root;
    }
  });
});
