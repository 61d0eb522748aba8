/**
 * Speed of the policy engine and of `whydrop check`, with 1,000 policies and 5,000 pods. Prints one line per figure.
 * Targets: compile under 2 s; over 20,000 uncached and 1,000,000 cached verdicts a second on one core; 100,000 queries
 * through check, manifests read and answers printed, in under 10 s.
 * Build (`npx nest build --all`), then `node dist/bench/policy.js`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { clusterStateOf, type ConnectionQuery, type KubernetesObject } from '@whydrop/model';
import { createPolicyEngine } from '@whydrop/policy';
import { stringify } from 'yaml';
import { runCheck } from '../apps/cli/src/check/index.js';

const NAMESPACES = 50;
const PODS = 5_000;
const POLICIES = 1_000;

/** A generator that gives the same numbers in every run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const random = generator(42);

function namespaceObject(i: number): KubernetesObject {
  const labels = { team: `team${i % 7}`, env: i % 3 === 0 ? 'prod' : 'dev' };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: `ns${i}`, labels } };
}

function podObject(i: number): KubernetesObject {
  const labels = { app: `app${random(40)}`, tier: `tier${random(3)}`, pod: `pod${i}` };
  const ports = [
    { name: 'http', containerPort: 8080 },
    { name: 'metrics', containerPort: 9090 },
  ];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `pod${i}`, namespace: `ns${i % NAMESPACES}`, labels },
    spec: { nodeName: `node${i % 100}`, containers: [{ name: 'main', ports }] },
    status: { podIP: `10.${Math.floor(i / 65536)}.${Math.floor(i / 256) % 256}.${i % 256}` },
  };
}

function peer(): object {
  const pods = { podSelector: { matchLabels: { app: `app${random(40)}` } } };
  const spaces = { namespaceSelector: { matchLabels: { team: `team${random(7)}` } } };
  const block = { ipBlock: { cidr: `10.0.${random(20)}.0/24`, except: [`10.0.${random(20)}.0/28`] } };
  return [pods, spaces, { ...pods, ...spaces }, block][random(4)] ?? pods;
}

function rule(key: 'from' | 'to'): object {
  const ports = [{ port: 8080 }, { port: 'metrics' }, { port: 5000, endPort: 6000 }].slice(0, 1 + random(3));
  return { [key]: Array.from({ length: 1 + random(3) }, peer), ports };
}

function policyObject(i: number): KubernetesObject {
  const podSelector = random(4) === 0 ? {} : { matchLabels: { app: `app${random(40)}` } };
  const rules = (key: 'from' | 'to'): object[] => Array.from({ length: 1 + random(4) }, () => rule(key));
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: `policy${i}`, namespace: `ns${random(NAMESPACES)}` },
    spec: { podSelector, policyTypes: ['Ingress', 'Egress'], ingress: rules('from'), egress: rules('to') },
  };
}

function queryOf(): ConnectionQuery {
  const pod = (i: number) => ({ kind: 'pod' as const, namespace: `ns${i % NAMESPACES}`, name: `pod${i}` });
  const port = [8080, 9090, 5500, 443][random(4)] ?? 443;
  return { source: pod(random(PODS)), destination: pod(random(PODS)), protocol: 'TCP', port };
}

/** Rates are by the time this process had a core, so that a busy machine does not change them. */
async function timed(name: string, count: number, work: () => void | Promise<void>): Promise<void> {
  const start = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1_000_000;
  const wall = (performance.now() - start) / 1000;
  const rate = Math.round(count / seconds).toLocaleString('en');
  console.log(`${name.padEnd(44)} ${wall.toFixed(3)} s, ${seconds.toFixed(3)} s of a core: ${rate} a second`);
}

const objects: KubernetesObject[] = [
  ...Array.from({ length: NAMESPACES }, (_, i) => namespaceObject(i)),
  ...Array.from({ length: PODS }, (_, i) => podObject(i)),
  ...Array.from({ length: POLICIES }, (_, i) => policyObject(i)),
];
const state = clusterStateOf(objects);
const queries = Array.from({ length: 50_000 }, queryOf);

await timed(
  'state, engine and first verdict',
  1,
  () => void createPolicyEngine(state).verdict(queries[0] ?? queryOf()),
);
const engine = createPolicyEngine(state);
await timed('uncached verdicts', queries.length, () => {
  for (const query of queries) engine.verdict(query);
});
const hot = queries.slice(0, 20_000);
for (const query of hot) engine.verdict(query);
await timed('cached verdicts', hot.length * 100, () => {
  for (let round = 0; round < 100; round++) for (const query of hot) engine.verdict(query);
});
const traced = createPolicyEngine(state);
await timed('explained verdicts', 20_000, () => {
  for (const query of queries.slice(0, 20_000)) traced.evaluate(query);
});
await timed('engine after one pod changed, one verdict', 1, () => {
  const changed = { ...state, pods: [...state.pods] };
  createPolicyEngine(changed).verdict(queries[0] ?? queryOf());
});

/** Manifests as YAML and queries as JSON lines in a folder of their own. */
function checkInput(folder: string, count: number): readonly string[] {
  const manifests = path.join(folder, 'manifests.yaml');
  const file = path.join(folder, 'queries.jsonl');
  writeFileSync(manifests, objects.map((object) => stringify(object)).join('---\n'));
  const name = (end: ConnectionQuery['source']): object =>
    end.kind === 'pod' ? { pod: `${end.namespace}/${end.name}` } : {};
  const line = ({ source, destination, protocol, port }: ConnectionQuery, id: number): string =>
    JSON.stringify({ id: String(id), from: name(source), to: name(destination), protocol, port });
  writeFileSync(file, Array.from({ length: count }, (_, i) => line(queryOf(), i)).join('\n'));
  return ['--manifests', manifests, '--queries', file];
}

const folder = mkdtempSync(path.join(tmpdir(), 'bench-policy-'));
const CHECKED = 100_000;
const args = checkInput(folder, CHECKED);
let printed = 0;
const io = { stdout: (text: string) => void (printed += text.length), stderr: () => undefined };
await timed('check, manifests read and answers printed', CHECKED, async () => void (await runCheck([...args], io)));
console.log(`${printed.toLocaleString('en')} characters of answers`);
rmSync(folder, { recursive: true });
