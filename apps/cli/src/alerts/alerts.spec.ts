import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runAlerts } from './command.js';
import { matcherText, parseMatcher } from './matcher.js';

it.each([
  ['policy=NetworkPolicy/dev/p', 'policy="NetworkPolicy/dev/p"'],
  ['policy=~".*/dev/.*"', 'policy=~".*/dev/.*"'],
  ['node!=n1', 'node!="n1"'],
  ['cause!~CT_.*', 'cause!~"CT_.*"'],
])('%s', (text, shown) => {
  expect(matcherText(parseMatcher(text))).toBe(shown);
});

it('what is no matcher is refused', () => {
  expect(() => parseMatcher('policy')).toThrow(/'policy' is no matcher: write label=value/);
});

describe('rules check', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'whydrop-rules-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  async function check(text: string): Promise<string> {
    const file = path.join(folder, 'alerts.yaml');
    writeFileSync(file, text);
    let said = '';
    const io = { stdout: (line: string) => void (said += line), stderr: () => undefined, interactive: false };
    expect(await runAlerts(['rules', 'check', file], io)).toBe(0);
    return said;
  }

  it('says how many there are, without a server', async () => {
    expect(await check('version: 1\nrules:\n  - { name: A, kind: DRIFT }\n')).toMatch(/alerts.yaml: 1 rule\n$/);
  });

  it('names every mistake with its line', async () => {
    const twice = 'version: 1\nrules:\n  - name: A\n    kind: SPIKE\n    for: soon\n  - name: B\n    kind: SPIKY\n';
    await expect(check(twice)).rejects.toThrow(/alerts.yaml:5: for: 'soon' is no duration.*\n.*alerts.yaml:7: kind/);
  });
});
