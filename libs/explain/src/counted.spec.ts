import { decodeStream, type FormatId } from '@whydrop/decoders';
import { type ObjectVersion } from '@whydrop/model';
import fc from 'fast-check';
import { type AttributedPackets, countedDrops, type Countings, countedWindows } from './counted.js';
import { movedRules } from './counted-rules.js';
import { countedSentence } from './counted-sentence.js';
import { createClusterHistory } from './history.js';

const T0 = 1_795_214_400_000_000;
const SECOND = 1_000_000;

function decode(format: FormatId, payload: string, seconds: number) {
  const context = { observedFrom: T0 + seconds * SECOND, observedTo: undefined, firstLine: 1, attributes: {} };
  return [...decodeStream(format, payload, context)];
}

const OBJECTS = `
apiVersion: v1
kind: Pod
metadata: { name: db-0, namespace: prod, uid: u-db, labels: { app: db } }
spec: { nodeName: n1, containers: [{ name: c }] }
status: { podIP: 10.244.2.20, phase: Running }
---
apiVersion: v1
kind: Pod
metadata: { name: web-0, namespace: prod, uid: u-web, labels: { app: web } }
spec: { nodeName: n1, containers: [{ name: c }] }
status: { podIP: 10.244.2.21, phase: Running }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: db, namespace: prod, uid: u-policy }
spec:
  podSelector: { matchLabels: { app: db } }
  policyTypes: [Ingress]
  ingress: [{ from: [{ podSelector: { matchLabels: { app: api } } }] }]
`;

const versions = decode('kubernetes-objects', OBJECTS, -3600).flatMap((item): readonly ObjectVersion[] =>
  item.kind === 'object' ? [{ object: item.object, validFrom: 0, validTo: undefined }] : [],
);
const history = createClusterHistory(versions);

function ruleset(seconds: number, packets: number) {
  const text = `*filter
:FORWARD ACCEPT [0:0]
:KUBE-POD-FW-K4H2C4ZB7GIO2PL3 - [0:0]
[${packets}:0] -A FORWARD -d 10.244.2.20/32 -m comment --comment "prod/db-0 in" -j KUBE-POD-FW-K4H2C4ZB7GIO2PL3
[${packets}:0] -A KUBE-POD-FW-K4H2C4ZB7GIO2PL3 -m comment --comment "prod/db-0 reject" -m mark ! --mark 0x10000/0x10000 -j REJECT --reject-with icmp-port-unreachable
COMMIT
`;
  return decode('iptables-save', text, seconds).flatMap((item) => (item.kind === 'ruleset' ? [item] : []));
}

function scrape(seconds: number, value: number) {
  const text = `# TYPE weavenpc_blocked_connections_total counter\nweavenpc_blocked_connections_total{dport="5432",protocol="tcp"} ${value}\n`;
  return decode('prometheus-text', text, seconds).flatMap((item) =>
    item.kind === 'metric' ? [{ node: 'n1', sample: item }] : [],
  );
}

const NOTHING: Countings = { rulesets: [], looked: [], metrics: [], aggregates: [] };
const rules = (...points: readonly (readonly [number, number])[]): Countings => {
  const snapshots = points.flatMap(([seconds, packets]) => ruleset(seconds, packets));
  const rulesets = snapshots.flatMap((after, at) => {
    const before = snapshots[at - 1];
    const pair = { node: 'n1', to: after.observedAt, ruleset: after };
    return before ? [{ ...pair, from: before.observedAt, moved: movedRules(before, after) }] : [];
  });
  return { ...NOTHING, rulesets };
};

function told(countings: Countings, attributed: readonly AttributedPackets[] = []) {
  return countedDrops('c', countedWindows(countings, history), attributed).map((drop) =>
    countedSentence(drop.facts, drop),
  );
}

it.each([[Infinity], [NaN], [1e300], [-5]])('a plugin that says %d counts nothing', (value) => {
  const metrics = [...scrape(0, 3), ...scrape(10, value), ...scrape(20, 4)];
  const windows = countedWindows({ rulesets: [], looked: [], metrics, aggregates: [] }, history);
  expect(windows.filter(({ to }) => to === T0 + 10 * SECOND)).toEqual([]);
});

describe('what was counted without addresses', () => {
  it('a drop rule: what it counted, less what is told as drops', () => {
    const [window] = countedWindows(rules([0, 0], [60, 600]), history);
    const known: AttributedPackets = {
      node: 'n1',
      from: T0,
      to: T0 + 60 * SECOND,
      chainRule: window?.facts.chainRule,
      protocol: 'TCP',
      destinationPort: 5432,
      packets: 10n,
    };
    expect(told(rules([0, 0], [60, 600]), [known])).toEqual([
      '590 packets were rejected at db-0 (node n1) between 22:40:00 and 22:41:00; source and destination were not seen. ' +
        'Policy prod/db isolates db-0. Rule 1 of chain KUBE-POD-FW-K4H2C4ZB7GIO2PL3 counted 600 packets, 10 of them are told with addresses.',
    ]);
    expect(told(rules([0, 0], [60, 600]), [{ ...known, node: 'n2' }])[0]).toMatch(/^600 packets/);
  });

  it('a counter that stood still says nothing, one that began anew gives a lower bound', () => {
    expect(told(rules([0, 5], [60, 5]))).toEqual([]);
    expect(told(rules([0, 5], [60, 2]))[0]).toMatch(/^At least 2 packets were rejected at db-0/);
  });

  it('a metric counts where no rules were read at that time', () => {
    const metrics = [...scrape(0, 4), ...scrape(60, 594)];
    const [sentence] = told({ ...NOTHING, metrics });
    expect(sentence).toBe(
      '590 packets to port 5432/TCP were dropped (node n1) between 22:40:00 and 22:41:00; source and destination were not seen. ' +
        'weavenpc_blocked_connections_total counted them. Not known: which of the policies on this node it was: the metric does not say.',
    );
    const looked = [{ node: 'n1', from: T0 + 30 * SECOND, to: T0 + 90 * SECOND }];
    expect(told({ ...NOTHING, metrics, looked })).toEqual([]);
  });

  it('an aggregate of flows is explained by pods of its names', () => {
    const flow = {
      start_time: '2026-11-20T22:40:00Z',
      end_time: '2026-11-20T22:40:15Z',
      action: 'Deny',
      source_name: 'web-*',
      source_namespace: 'prod',
      dest_name: 'db-*',
      dest_namespace: 'prod',
      protocol: 'tcp',
      dest_port: 5432,
      reporter: 'Dst',
      policies: { enforced: [], pending: [] },
      packets_in: 3,
    };
    const aggregates = decode('calico-whisker', JSON.stringify(flow), 0).flatMap((item) =>
      item.kind === 'flow-verdict' ? [{ node: '', verdict: item }] : [],
    );
    expect(told({ ...NOTHING, aggregates })).toEqual([
      '3 packets from web-* to db-*:5432/TCP were dropped on ingress at db-* between 22:40:00 and 22:40:15; addresses were not seen. ' +
        'Policy prod/db isolates it; its closest rule, ingress[0].from[0], wants app=api, the client has app=web. The flow log of calico counted them.',
    ]);
    const allowed = aggregates.map(({ node, verdict }) => ({
      node,
      verdict: { ...verdict, verdict: 'allowed' as const },
    }));
    expect(told({ ...NOTHING, aggregates: allowed })).toEqual([]);
  });

  it('is the same whatever the order, and never more is attributed than was counted', () => {
    const amounts = fc.array(fc.nat({ max: 1000 }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(amounts, fc.nat({ max: 2000 }), (values, packets) => {
        const metrics = values.flatMap((value, at) => scrape(at * 10, value));
        const windows = countedWindows({ ...NOTHING, metrics }, history);
        expect(countedWindows({ ...NOTHING, metrics: metrics.toReversed() }, history)).toEqual(windows);
        const attributed = windows.map(({ facts, from, to }) => ({
          node: facts.node,
          from,
          to,
          chainRule: undefined,
          protocol: 'TCP' as const,
          destinationPort: 5432,
          packets: BigInt(packets),
        }));
        for (const drop of countedDrops('c', windows, attributed)) {
          expect(drop.attributed).toBe(drop.packets < BigInt(packets) ? drop.packets : BigInt(packets));
        }
      }),
    );
  });
});
