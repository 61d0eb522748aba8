import fc from 'fast-check';
import { at, captured, type NodeFixture, T0 } from './fixture.js';
import { correlate } from './correlate.js';
import { INTERFACE, nflogLine, OBJECTS, ruleset } from './shop.js';

function conntrack(lines: readonly [number, string][]): string {
  return lines.map(([seconds, text]) => `[${at(seconds)}]\t${text}\n`).join('');
}

const UNREPLIED =
  '    [NEW] tcp      6 120 SYN_SENT src=10.1.1.7 dst=10.1.2.9 sport=40001 dport=8080 [UNREPLIED] src=10.1.2.9 dst=10.1.1.7 sport=8080 dport=40001 id=1';
const ANSWERED =
  ' [UPDATE] tcp      6 60 SYN_RECV src=10.1.1.7 dst=10.1.2.9 sport=40001 dport=8080 src=10.1.2.9 dst=10.1.1.7 sport=8080 dport=40001 id=1';
const RESET =
  '[DESTROY] tcp      6 120 CLOSE src=10.1.1.7 dst=10.1.2.9 sport=40001 dport=8080 packets=1 bytes=60 [UNREPLIED] src=10.1.2.9 dst=10.1.1.7 sport=8080 dport=40001 packets=1 bytes=40 id=1';
const TO_SERVICE =
  '    [NEW] tcp      6 120 SYN_SENT src=10.1.1.7 dst=10.96.0.10 sport=40001 dport=80 [UNREPLIED] src=10.1.2.9 dst=10.1.1.7 sport=8080 dport=40001 id=1';

function nflog(seconds: number, sequence = 77): string {
  const [whole, micros] = at(seconds).split('.').map(Number);
  return nflogLine({ seconds: whole ?? 0, micros: micros ?? 0, port: 40001, sequence });
}

const complete = ['conntrack', 'iptables', 'nflog'];
const around = { 0: ruleset(0), 60: ruleset(3) };
const silent = { 0: ruleset(0), 60: ruleset(0) };

function drops(nodes: Readonly<Record<string, NodeFixture>>, objects = OBJECTS) {
  const { witnesses, surroundings } = captured(objects, nodes);
  return correlate(witnesses, surroundings).map(({ drop }) => drop);
}

describe('an ingress drop on another node', () => {
  const nodes = {
    n1: { conntrack: conntrack([[1, UNREPLIED]]), complete },
    n2: { nflog: nflog(1.001) + nflog(2.01) + nflog(3.02), rulesets: around, complete },
  };

  it('is one drop, named by the log, with policy, nearest miss and counter', () => {
    const [drop, ...others] = drops(nodes);
    expect(others).toEqual([]);
    expect(drop).toMatchObject({
      attempts: 1,
      packets: 3,
      explanation: { verdict: 'dropped', cause: 'POLICY_DEFAULT_DENY', direction: 'ingress', basis: 'observed' },
    });
    expect(drop?.explanation.policies).toMatchObject([
      { name: 'web-clients', resourceVersion: '41', part: 'isolates' },
    ]);
    expect(drop?.explanation.chainRule).toMatchObject({ node: 'n2', chain: `cali-tw-${INTERFACE}`, position: 4 });
    expect(drop?.explanation.sentence).toBe(
      'client -> web:8080/TCP was dropped on ingress at web (node n2). Policy shop/web-clients isolates it; its closest rule, ' +
        `ingress[0].from[0], wants app=client-1, the client has app=client-2. Rule 4 of chain cali-tw-${INTERFACE} counted 3 packets then.`,
    );
  });

  it('is the same whatever the order of its witnesses', () => {
    const { witnesses, surroundings } = captured(OBJECTS, nodes);
    const wanted = correlate(witnesses, surroundings);
    fc.assert(
      fc.property(fc.shuffledSubarray([...witnesses.packets], { minLength: 3 }), (packets) => {
        expect(correlate({ ...witnesses, packets }, surroundings)).toEqual(wanted);
      }),
    );
  });

  it('rests on the counter where nothing was logged', () => {
    const { n1 } = nodes;
    const [drop] = drops({ n1, n2: { rulesets: around, complete } });
    expect(drop?.explanation).toMatchObject({ cause: 'POLICY_DEFAULT_DENY', basis: 'counted', verdict: 'dropped' });
    expect(drop?.packets).toBe(3);
    expect(drop?.explanation.assumptions.join()).toContain('no other client');
  });

  it('rests on the evaluation where counters are missing, and says what is missing', () => {
    const [drop] = drops({ n1: nodes.n1 });
    expect(drop?.explanation).toMatchObject({ cause: 'POLICY_DEFAULT_DENY', basis: 'derived' });
    expect(drop?.explanation.missing.join()).toContain('counters of node n2');
  });

  it('is not claimed where counters are complete and silent', () => {
    const [drop] = drops({ n1: nodes.n1, n2: { rulesets: silent, complete } });
    expect(drop?.explanation).toMatchObject({ cause: 'UNDECIDED', verdict: 'unknown' });
  });

  it('two connects on the same ports are two drops: their initial sequence numbers differ', () => {
    const found = drops({ n2: { nflog: nflog(1, 77) + nflog(5, 99), rulesets: around } });
    expect(found).toHaveLength(2);
  });
});

describe('what is no policy drop', () => {
  it('an answered connection is none', () => {
    expect(
      drops({
        n1: {
          conntrack: conntrack([
            [1, UNREPLIED],
            [1.1, ANSWERED],
          ]),
        },
      }),
    ).toEqual([]);
  });

  it('a connect on the same ports that succeeds later does not hide the one that failed', () => {
    const expired = UNREPLIED.replace('    [NEW] tcp      6 120 SYN_SENT', '[DESTROY] tcp      6 SYN_SENT');
    const lines: [number, string][] = [
      [1, UNREPLIED],
      [121, expired],
      [180, UNREPLIED],
      [180.1, ANSWERED],
    ];
    expect(drops({ n1: { conntrack: conntrack(lines) } }).map((drop) => drop.firstSeenAt)).toEqual([T0 + 1_000_000]);
  });

  it('a closed port: both nodes have the entry, and a reset', () => {
    const both = {
      conntrack: conntrack([
        [1, UNREPLIED],
        [1.001, RESET],
      ]),
      complete,
    };
    const [drop] = drops({ n1: both, n2: { ...both, rulesets: silent } });
    expect(drop?.explanation).toMatchObject({ cause: 'PORT_CLOSED', verdict: 'failed', policies: [] });
    expect(drop?.explanation.findings.map(({ code }) => code)).toContain('INTENT_DENIES_NODE_PASSES');
  });

  it('an address of the pod network that no pod has', () => {
    const gone = conntrack([[1, UNREPLIED.replaceAll('10.1.2.9', '10.1.2.99')]]);
    expect(drops({ n1: { conntrack: gone } })[0]?.explanation).toMatchObject({ cause: 'POD_GONE', policies: [] });
  });

  it('an address that its node has a blackhole route for', () => {
    const gone = conntrack([[1, UNREPLIED.replaceAll('10.1.2.9', '10.1.2.99')]]);
    const blackhole = {
      destination: '10.1.2.0/24',
      type: 'blackhole',
      table: 'main',
      gateway: undefined,
      device: undefined,
    };
    const routes = [{ ...blackhole, source: undefined, metric: undefined }];
    expect(drops({ n1: { conntrack: gone }, n2: { routes } })[0]?.explanation).toMatchObject({ cause: 'NO_ROUTE' });
  });

  it('an address that nobody knows is undecided, and no policy is named', () => {
    const outside = conntrack([[1, UNREPLIED.replaceAll('10.1.2.9', '203.0.113.9')]]);
    const [drop] = drops({ n1: { conntrack: outside } });
    expect(drop?.explanation).toMatchObject({ cause: 'UNDECIDED', policies: [] });
    expect(drop?.explanation.missing.join()).toContain('203.0.113.9');
  });

  it('allowed by policy, lost between the nodes: complete coverage and silent counters', () => {
    const friendly = OBJECTS.replace('app: client-2', 'app: client-1');
    const nodes = { n1: { conntrack: conntrack([[1, UNREPLIED]]), complete }, n2: { rulesets: silent, complete } };
    expect(drops(nodes, friendly)[0]?.explanation).toMatchObject({ cause: 'CLOUD_SG_NACL', verdict: 'failed' });
  });

  it('allowed by policy without coverage is undecided', () => {
    const friendly = OBJECTS.replace('app: client-2', 'app: client-1');
    const [drop] = drops({ n1: { conntrack: conntrack([[1, UNREPLIED]]) } }, friendly);
    expect(drop?.explanation.cause).toBe('UNDECIDED');
    expect(drop?.explanation.missing.length).toBeGreaterThan(0);
  });
});

describe('a drop behind NAT', () => {
  it('keeps what the client asked for, and finds the service', () => {
    const [drop] = drops({
      n1: { conntrack: conntrack([[1, TO_SERVICE]]), complete },
      n2: { nflog: nflog(1.001), rulesets: around, complete },
    });
    expect(drop).toMatchObject({
      destinationPort: 8080,
      original: { destination: '10.96.0.10', destinationPort: 80, service: { namespace: 'shop', name: 'web' } },
    });
  });

  it('says so when a rule was written for the service port', () => {
    const servicePort = OBJECTS.replace('app: client-2', 'app: client-1').replace(
      'ports: [{ port: 8080 }]',
      'ports: [{ port: 80 }]',
    );
    const [drop] = drops(
      { n1: { conntrack: conntrack([[1, TO_SERVICE]]), complete }, n2: { nflog: nflog(1.001), rulesets: around } },
      servicePort,
    );
    expect(drop?.explanation).toMatchObject({ cause: 'POLICY_DEFAULT_DENY', contributing: ['DNAT_PORT'] });
  });
});

describe('the node and the policies disagree', () => {
  it('a policy chain drops what is allowed: never blamed on the policy', () => {
    const friendly = OBJECTS.replace('app: client-2', 'app: client-1');
    const [drop] = drops({ n2: { nflog: nflog(1), rulesets: around } }, friendly);
    expect(drop?.explanation.cause).toBe('STALE_DATAPLANE');
    expect(drop?.explanation.findings[0]?.code).toBe('INTENT_ALLOWS_NODE_DROPS');
  });

  it('a policy chain drops where no policy isolates', () => {
    const none = OBJECTS.slice(0, OBJECTS.indexOf('---\napiVersion: networking.k8s.io/v1'));
    const [drop] = drops({ n2: { nflog: nflog(1), rulesets: around } }, none);
    expect(drop?.explanation.cause).toBe('POSTURE_WITHOUT_POLICY');
  });
});

describe('what must not be said too early, or of the wrong rule', () => {
  it('an unanswered connection is none until its node has been heard of for a while', () => {
    const { witnesses, surroundings } = captured(OBJECTS, { n1: { conntrack: conntrack([[1, UNREPLIED]]) } });
    const heardUntil = (seconds: number) => ({ ...surroundings, conntrackWatermark: () => T0 + seconds * 1e6 });
    expect(correlate(witnesses, heardUntil(1.2))).toEqual([]);
    expect(correlate(witnesses, heardUntil(10))).toHaveLength(1);
  });

  it('a counter that moved is no witness where the packet cannot meet its rule', () => {
    const other = (packets: number) =>
      ruleset(0).replace('COMMIT', `[${packets}:${packets * 60}] -A FORWARD -d 10.9.9.9/32 -j DROP\nCOMMIT`);
    const friendly = OBJECTS.replace('app: client-2', 'app: client-1');
    const n2 = { rulesets: { 0: other(0), 60: other(5) }, complete };
    const [drop] = drops({ n1: { conntrack: conntrack([[1, UNREPLIED]]), complete }, n2 }, friendly);
    expect(drop?.explanation).toMatchObject({ cause: 'CLOUD_SG_NACL', chainRule: undefined });
  });

  it('a policy that the chain asks and nobody knows is named as missing, not explained away', () => {
    const asks = (packets: number) =>
      ruleset(packets)
        .replace(':cali-tw-', ':cali-pi-shop/default.secret - [0:0]\n:cali-tw-')
        .replace(
          /(\[\d+:\d+\] -A cali-tw-\S+ [^\n]*NFLOG)/,
          `[0:0] -A cali-tw-${INTERFACE} -j cali-pi-shop/default.secret\n$1`,
        );
    const none = OBJECTS.slice(0, OBJECTS.indexOf('---\napiVersion: networking.k8s.io/v1'));
    const [drop] = drops({ n2: { nflog: nflog(1), rulesets: { 0: asks(0), 60: asks(1) } } }, none);
    expect(drop?.explanation.cause).toBe('POLICY_DEFAULT_DENY');
    expect(drop?.explanation.missing.join()).toContain('secret');
  });
});
