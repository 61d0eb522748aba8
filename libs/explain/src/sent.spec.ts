import { correlate } from './correlate.js';
import { at, captured } from './fixture.js';

const node = (name: string, ip: string) => `
apiVersion: v1
kind: Node
metadata: { name: ${name} }
status: { addresses: [{ type: InternalIP, address: ${ip} }] }
---`;

const pod = (name: string, on: string, ip: string) => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: shop, uid: u-${name}, labels: { app: ${name.split('-')[0]} } }
spec: { nodeName: ${on}, containers: [{ name: c, ports: [{ containerPort: 80 }] }] }
status: { podIP: ${ip}, phase: Running }
---`;

const OBJECTS = `${node('n1', '192.168.0.1')}${node('n3', '192.168.0.3')}
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---${pod('client', 'n1', '10.1.1.10')}${pod('web-1', 'n1', '10.1.1.16')}${pod('web-2', 'n1', '10.1.1.17')}
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { type: NodePort, clusterIP: 10.96.0.24, selector: { app: web }, ports: [{ port: 8000, targetPort: 80, nodePort: 30083 }] }
---`;

const EGRESS = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: closed, namespace: shop, uid: u-closed }
spec: { podSelector: { matchLabels: { app: client } }, policyTypes: [Egress] }
`;

const INGRESS = `
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: { name: not-outside, namespace: shop, uid: u-outside }
spec:
  selector: app == 'web'
  types: [Ingress]
  ingress:
  - { action: Deny, source: { nets: [192.168.0.200/32] } }
`;

const packet = (seconds: number, id: string, from: string, to: string, ipId: number, ports = 'SPORT=20178 DPORT=') =>
  `${at(seconds)} PACKET: 2 ${id} IN=azv1 OUT=azv2 SRC=${from} DST=${to.split(':')[0]} LEN=60 TOS=0x0 TTL=63 ID=${ipId} DF ${ports}${to.split(':')[1]} SYN \n`;

/** A SYN to a service that is sent to an endpoint and ended by a rule of the node. */
function dropped(seconds: number, id: string, endpoint: string, rule = 'DROP-ON-EGRESS'): string {
  return (
    packet(seconds, id, '10.1.1.10', '10.96.0.24:8000', 7) +
    `${at(seconds)}  TRACE: 2 ${id} nat:PREROUTING:policy:ACCEPT \n` +
    packet(seconds, id, '10.1.1.10', endpoint, 7) +
    `${at(seconds)}  TRACE: 2 ${id} filter:FORWARD:rule:0x2:JUMP:AZURE-NPM-EGRESS  -4 -t filter -A FORWARD -j AZURE-NPM-EGRESS\n` +
    `${at(seconds)}  TRACE: 2 ${id} filter:AZURE-NPM-EGRESS:rule:0x8:DROP  -4 -t filter -A AZURE-NPM-EGRESS -m mark --mark 0x800/0x800 -m comment --comment "${rule}" -j DROP\n`
  );
}

const told = (found: ReturnType<typeof correlate>) =>
  found.map(({ drop }) => [drop.destination.label, drop.original?.service?.name, drop.packets]);

describe('a connect to a service whose retry draws another endpoint', () => {
  const both = dropped(1, 'aaaa0001', '10.1.1.16:80') + dropped(2, 'aaaa0002', '10.1.1.17:80');

  it('is one drop, at the first endpoint', () => {
    const { witnesses, surroundings } = captured(OBJECTS + EGRESS, { n1: { trace: both } });
    expect(told(correlate(witnesses, surroundings))).toEqual([['web-1', 'web', 2]]);
  });

  it('lists the rule that its retry met, and counts for it what it ended itself', () => {
    const other = dropped(1, 'aaaa0001', '10.1.1.16:80') + dropped(2, 'aaaa0002', '10.1.1.17:80', 'DROP-ON-INGRESS');
    const { witnesses, surroundings } = captured(OBJECTS + EGRESS, { n1: { trace: other } });
    const [found] = correlate(witnesses, surroundings);
    const { chainRule, evidence } = found?.drop.explanation ?? {};
    expect([chainRule?.text.includes('EGRESS"'), evidence?.length, found?.drop.packets]).toEqual([true, 2, 1]);
  });

  it('stays two when the ports are used again much later', () => {
    const later = dropped(1, 'aaaa0001', '10.1.1.16:80') + dropped(200, 'aaaa0002', '10.1.1.17:80');
    const { witnesses, surroundings } = captured(OBJECTS + EGRESS, { n1: { trace: later } });
    expect(told(correlate(witnesses, surroundings))).toHaveLength(2);
  });

  it('is not mixed up with a connect from the same port to another address', () => {
    const direct =
      packet(2, 'aaaa0002', '10.1.1.10', '10.1.1.17:80', 7) +
      `${at(2)}  TRACE: 2 aaaa0002 filter:AZURE-NPM-EGRESS:rule:0x8:DROP  -4 -t filter -A AZURE-NPM-EGRESS -j DROP\n`;
    const trace = dropped(1, 'aaaa0001', '10.1.1.16:80') + direct;
    const { witnesses, surroundings } = captured(OBJECTS + EGRESS, { n1: { trace } });
    expect(told(correlate(witnesses, surroundings))).toHaveLength(2);
  });
});

describe('a client behind a node port whose pod is on a node that tells nothing', () => {
  const client = 'src=192.168.0.200 dst=192.168.0.3 sport=20449 dport=30083';
  const conntrack = `[${at(1)}]\t    [NEW] tcp      6 120 SYN_SENT ${client} [UNREPLIED] src=10.1.1.16 dst=192.168.0.3 sport=80 dport=23710 id=1\n`;
  const ports = 'SPORT=20449 DPORT=';
  const trace =
    packet(1, 'bbbb0001', '192.168.0.200', '192.168.0.3:30083', 9, ports) +
    `${at(1)}  TRACE: 2 bbbb0001 nat:PREROUTING:policy:ACCEPT \n` +
    packet(1, 'bbbb0001', '192.168.0.200', '10.1.1.16:80', 9, ports) +
    `${at(1)}  TRACE: 2 bbbb0001 filter:FORWARD:policy:ACCEPT \n`;

  it('is judged by the address that the node gave it', () => {
    const n3 = { conntrack, trace, complete: ['conntrack', 'iptables'], addresses: ['192.168.0.3'] };
    const { witnesses, surroundings } = captured(OBJECTS + INGRESS, { n3 });
    const [found] = correlate(witnesses, surroundings);
    expect([found?.drop.source.ip, found?.drop.translatedSource]).toEqual(['192.168.0.200', '192.168.0.3']);
    expect(found?.drop.explanation.cause).not.toBe('POLICY_EXPLICIT_DENY');
  });
});
