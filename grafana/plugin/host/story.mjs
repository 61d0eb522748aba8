// Blocked connections of the last forty minutes: a shop with three namespaces, whose payments are fenced off. Written as a
// bundle that `whydrop import` takes. The stories of `whydrop demo` are minutes long and lie in the past: no trend to draw.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export const MINUTES = 40;
const NODE = 'worker-1';

const PODS = [
  { namespace: 'shop', name: 'cart-5d8f7c9b6-x2x4m', app: 'cart', ip: '10.244.1.11' },
  { namespace: 'shop', name: 'web-6c5bb6d7f8-9k2lp', app: 'web', ip: '10.244.1.12' },
  { namespace: 'payments', name: 'db-0', app: 'db', ip: '10.244.1.21' },
  { namespace: 'payments', name: 'api-7f9c8d6b5-q8w7e', app: 'api', ip: '10.244.1.22' },
  { namespace: 'monitoring', name: 'prometheus-0', app: 'prometheus', ip: '10.244.1.31' },
];

/** Per minute: `at(0)` is the oldest, and in the last six minutes something was rolled out. */
const PAIRS = [
  { from: 'cart', to: 'db', port: 5432, at: (minute) => (minute >= MINUTES - 6 ? 18 + 4 * (minute % 3) : 0) },
  { from: 'web', to: 'api', port: 8080, at: (minute) => 2 + (minute % 5) },
  { from: 'prometheus', to: 'api', port: 9090, at: (minute) => (minute % 2 === 0 ? 2 : 1) },
  { from: 'prometheus', to: 'web', port: 9113, at: (minute) => Math.round(4 + 3 * Math.sin(minute / 5)) },
];

const object = (kind, apiVersion, metadata, rest) =>
  JSON.stringify({
    apiVersion,
    kind,
    metadata: { resourceVersion: '100', creationTimestamp: '2026-01-01T08:00:00Z', ...metadata },
    ...rest,
  });

const uid = (n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

function objects() {
  const namespaces = [...new Set(PODS.map((pod) => pod.namespace))].map((name, i) =>
    object('Namespace', 'v1', { name, uid: uid(i + 1), labels: { 'kubernetes.io/metadata.name': name } }),
  );
  const addresses = [{ type: 'InternalIP', address: '172.19.0.3' }];
  const node = object(
    'Node',
    'v1',
    { name: NODE, uid: uid(10) },
    { spec: { podCIDR: '10.244.1.0/24' }, status: { addresses } },
  );
  const pods = PODS.map(({ namespace, name, app, ip }, i) =>
    object(
      'Pod',
      'v1',
      { namespace, name, uid: uid(20 + i), labels: { app } },
      {
        spec: { nodeName: NODE, containers: [{ name: 'main', image: `registry.example/${app}:1` }] },
        status: { phase: 'Running', podIP: ip, podIPs: [{ ip }] },
      },
    ),
  );
  const policy = (namespace, name, i, spec) =>
    object('NetworkPolicy', 'networking.k8s.io/v1', { namespace, name, uid: uid(40 + i) }, { spec });
  const admits = (app, port) => ({
    from: [{ podSelector: { matchLabels: { app } } }],
    ports: [{ protocol: 'TCP', port }],
  });
  const policies = [
    policy('payments', 'default-deny', 0, { podSelector: {}, policyTypes: ['Ingress'] }),
    policy('payments', 'db-from-api', 1, {
      podSelector: { matchLabels: { app: 'db' } },
      policyTypes: ['Ingress'],
      ingress: [admits('api', 5432)],
    }),
    policy('shop', 'web-from-ingress', 2, {
      podSelector: { matchLabels: { app: 'web' } },
      policyTypes: ['Ingress'],
      ingress: [admits('ingress', 8080)],
    }),
  ];
  return { namespaces, nodes: [node], pods, policies };
}

function flow(time, from, to, port, sourcePort) {
  const end = ({ namespace, name }) => ({ namespace, pod_name: name });
  const body = {
    time,
    verdict: 'DROPPED',
    IP: { source: from.ip, destination: to.ip, ipVersion: 'IPv4' },
    l4: { TCP: { source_port: sourcePort, destination_port: port, flags: { SYN: true } } },
    source: end(from),
    destination: end(to),
    node_name: `shop/${NODE}`,
    drop_reason_desc: 'POLICY_DENIED',
  };
  return JSON.stringify({ flow: body, node_name: `shop/${NODE}`, time });
}

/** Writes the bundle and says what is in it: drops per pair, `shop/cart>payments/db:5432`. */
export function writeStory(folder, now) {
  const end = Math.floor(now / 60_000) * 60_000;
  const start = end - MINUTES * 60_000;
  const app = (name) => PODS.find((pod) => pod.app === name);
  const lines = [];
  const drops = {};
  let sourcePort = 20_000;
  for (let minute = 0; minute < MINUTES; minute++) {
    for (const { from, to, port, at } of PAIRS) {
      const [source, target, count] = [app(from), app(to), at(minute)];
      const key = `${source.namespace}>${target.namespace}`;
      drops[key] = (drops[key] ?? 0) + count;
      for (let n = 0; n < count; n++) {
        const time = new Date(start + minute * 60_000 + Math.floor((n * 60_000) / count)).toISOString();
        lines.push([time, flow(time, source, target, port, sourcePort++)]);
      }
    }
  }
  lines.sort(([a], [b]) => (a < b ? -1 : 1));
  mkdirSync(path.join(folder, 'cluster'), { recursive: true });
  mkdirSync(path.join(folder, 'flows'), { recursive: true });
  for (const [name, documents] of Object.entries(objects())) {
    writeFileSync(path.join(folder, 'cluster', `${name}.yaml`), documents.map((text) => `---\n${text}\n`).join(''));
  }
  writeFileSync(path.join(folder, 'flows', 'hubble.ndjson'), lines.map(([, line]) => `${line}\n`).join(''));
  const manifest = ['version: 1', 'cluster: shop', `from: ${iso(start)}`, `to: ${iso(end)}`, 'timezone: UTC', ''];
  writeFileSync(path.join(folder, 'bundle.yaml'), manifest.join('\n'));
  return { from: start, to: end, total: lines.length, drops };
}

const iso = (ms) => new Date(ms).toISOString();
