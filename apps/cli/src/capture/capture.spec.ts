import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeStream } from '@whydrop/decoders';
import { UsageError } from '../errors.js';
import { openBundle } from '../import/bundle.js';
import { runCapture } from './command.js';

const folder = mkdtempSync(path.join(tmpdir(), 'whydrop-capture-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const said: string[] = [];
const io = {
  stdout: (text: string) => void said.push(text),
  stderr: (text: string) => void said.push(text),
  interactive: false,
};

const EVENT =
  '[1795214415.576068]\t    [NEW] tcp      6 120 SYN_SENT src=10.1.0.1 dst=10.2.0.2 sport=40000 dport=80 [UNREPLIED] src=10.2.0.2 dst=10.1.0.1 sport=80 dport=40000 id=1\n';

describe('a capture on this machine', () => {
  it('is a bundle whose every file import knows and decoders read', async () => {
    const log = path.join(folder, 'events');
    writeFileSync(log, EVENT);
    const bundle = path.join(folder, 'bundle');
    const later = setTimeout(() => appendFileSync(log, EVENT.replaceAll('40000', '40001')), 300);
    const words = ['--read', 'interfaces,routes', '--node', 'n1', '--cluster', 'c'];
    const code = await runCapture(
      [bundle, '--for', '1s', ...words, '--follow-file', `conntrack.log:conntrack-events:${log}`],
      io,
    );
    clearTimeout(later);
    expect(code).toBe(0);
    const { manifest, files, passedOver } = await openBundle(bundle);
    expect(manifest).toMatchObject({ cluster: 'c', timezone: 'UTC', nodes: { n1: { complete: ['conntrack'] } } });
    expect(Date.parse(manifest.to)).toBeGreaterThan(Date.parse(manifest.from));
    expect(passedOver).toEqual([]);
    expect(files.map(({ format }) => format)).toContain('conntrack-events');
    for (const { path: name, format, node, takenAt } of files) {
      expect(node).toBe('n1');
      const at = takenAt === undefined ? undefined : Number(takenAt) * 1e6;
      const context = { observedFrom: at, observedTo: at, firstLine: 1, attributes: {} };
      const decoded = [...decodeStream(format, readFileSync(path.join(bundle, name), 'utf8'), context)];
      expect(decoded.filter(({ kind }) => kind === 'reject')).toEqual([]);
      expect(decoded.length).toBeGreaterThan(0);
    }
  }, 20_000);

  it('does not mix with what lies there already', async () => {
    await expect(runCapture([folder, '--for', '1s'], io)).rejects.toThrow(UsageError);
    await expect(runCapture([folder, '--for', '1s'], io)).rejects.toThrow('is not empty');
  });

  it('needs one folder and a time that is one', async () => {
    await expect(runCapture([], io)).rejects.toThrow('give one folder');
    await expect(runCapture([path.join(folder, 'x'), '--for', 'long'], io)).rejects.toThrow('--for long');
  });
});
