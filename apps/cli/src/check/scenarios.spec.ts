import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runCheck } from './index.js';

const SCENARIOS = path.resolve(import.meta.dirname, '../../../../test/scenarios');
/** Set to write the expectations anew; they are then reviewed as prose. */
const REWRITE = process.env['REWRITE_EXPECTED'] === '1';

const names = readdirSync(SCENARIOS).filter((name) => existsSync(path.join(SCENARIOS, name, 'queries.jsonl')));

async function answers(name: string, folder: string): Promise<{ stdout: string; stderr: string; code: number }> {
  let stdout = '';
  let stderr = '';
  const io = { stdout: (text: string) => void (stdout += text), stderr: (text: string) => void (stderr += text) };
  const place = path.join(SCENARIOS, name);
  const args = ['--manifests', path.join(place, folder), '--queries', path.join(place, 'queries.jsonl')];
  return { code: await runCheck(args, io), stdout, stderr };
}

describe('the stories, as policies alone tell them', () => {
  it('are all here', () => {
    for (const story of [
      'contrail-three-tier',
      'aks-calico-order',
      'calico-web-deny-all',
      'weave-sock-shop',
      'aks-npm-frontend-backend',
    ]) {
      expect(names).toContain(story);
    }
  });

  it.each(names)('%s', async (name) => {
    const { stdout, code } = await answers(name, 'manifests');
    const file = path.join(SCENARIOS, name, 'expected.jsonl');
    if (REWRITE) writeFileSync(file, stdout);
    expect(stdout).toBe(readFileSync(file, 'utf8'));
    expect(code).toBe(0);
  });
});

/** What the traps of the stories must be called. */
const TRAPS: readonly (readonly [scenario: string, id: string, code: string])[] = [
  ['contrail-policy2-tryout', '3', 'IGNORED_SECTION'],
  ['aks-calico-default-deny', '2', 'DNS_BLOCKED'],
  ['aks-calico-never-reached', '2', 'UNREACHABLE_RULE'],
  ['weave-sock-shop-service-port', '1', 'DNAT_PORT'],
  ['aks-npm-one-dash', '14', 'OR_PEERS'],
  ['weave-sock-shop', '2', 'CLIENT_HIDDEN_BY_SNAT'],
];

describe('the traps of the stories are named', () => {
  it.each(TRAPS)('%s, query %s: %s', (scenario, id, code) => {
    const lines = readFileSync(path.join(SCENARIOS, scenario, 'expected.jsonl'), 'utf8')
      .trim()
      .split('\n');
    const answer = lines
      .map((line) => JSON.parse(line) as { id: string; findings?: { code: string }[] })
      .find((one) => one.id === id);
    expect(answer?.findings?.map((finding) => finding.code)).toContain(code);
  });
});
