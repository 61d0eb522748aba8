import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openBundle } from './bundle.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'whydrop-bundle-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const TIMES = 'from: 2026-11-20T22:40:00Z\nto: 2026-11-20T22:41:00Z\n';

it.each([
  ['a time that is none', `version: 1\ncluster: a\nfrom: yesterday\nto: x\n`, ':3: from: must be a time'],
  ['a time that is missing', 'version: 1\ncluster: a\nfrom: 2026-11-20T22:40:00Z\n', ':1: to: must be a time'],
  ['no cluster', `version: 1\n${TIMES}`, ':1: cluster: '],
  ['another version', `cluster: a\nversion: 2\n${TIMES}`, ':2: version: '],
  [
    'a list that is none',
    `version: 1\ncluster: a\n${TIMES}nodes:\n  n1:\n    complete: nflog\n`,
    ':7: nodes.n1.complete: ',
  ],
  ['no mapping', '- a\n', ':1: Invalid input'],
  ['no YAML', 'version: [1\n', ':2: Flow sequence'],
])('bundle.yaml with %s is refused with its line', async (_what, text, reason) => {
  writeFileSync(path.join(directory, 'bundle.yaml'), text);
  await expect(openBundle(directory)).rejects.toThrow(`${directory}/bundle.yaml${reason}`);
});

it('a folder without bundle.yaml is no bundle', async () => {
  await expect(openBundle(directory)).rejects.toThrow('a bundle is a folder with a bundle.yaml');
});
