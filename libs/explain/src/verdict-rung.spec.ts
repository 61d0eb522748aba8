import { captured, type NodeFixture } from './fixture.js';
import { correlate } from './correlate.js';
import { OBJECTS } from './shop.js';

function drops(flowLogs: NonNullable<NodeFixture['flowLogs']>) {
  const { witnesses, surroundings } = captured(OBJECTS, { n2: { flowLogs } });
  return correlate(witnesses, surroundings).map(({ drop }) => drop);
}

const hubble = (time: string, more: object, verdict = 'DROPPED') =>
  `${JSON.stringify({
    flow: {
      time,
      verdict,
      IP: { source: '10.1.1.7', destination: '10.1.2.9' },
      l4: { TCP: { source_port: 40001, destination_port: 8080, flags: { SYN: true } } },
      traffic_direction: 'INGRESS',
      node_name: 'n2',
      ...more,
    },
    time,
  })}\n`;
const DENIED = { drop_reason_desc: 'POLICY_DENIED' };

const aws = (port: number) =>
  `{"level":"info","ts":"2026-11-20T22:40:01.101Z","msg":"Flow Info: Src IP: 10.1.2.9 Src Port: 40001 Dest IP: 10.1.1.7 Dest Port: ${port} Proto TCP Verdict DENY Direction ingress, Tier DEFAULT"}\n`;

const flow = (action: string, reason = '') =>
  `
   112984<=>334516       10.1.1.7:40001                                      6 (2)
                         10.1.2.9:8080 
(Gen: 3, K(nh):37, Action:${action}, Flags:, TCP:S, QOS:-1, S(nh):37, 
 Stats:4/296,  SPort 61803, TTL 0, Sinfo 5.0.0.0)
${reason}`;

describe('what a plugin logged with its verdict', () => {
  it('a default deny names no policy: the policies in force do, with the nearest miss', () => {
    expect(drops({ 'cilium-hubble': hubble('2026-11-20T22:40:01Z', DENIED) })).toMatchObject([
      {
        packets: 1,
        explanation: {
          cause: 'POLICY_DEFAULT_DENY',
          basis: 'observed',
          policies: [{ name: 'web-clients', resourceVersion: '41', part: 'isolates' }],
          misses: [{ path: 'ingress[0].from[0]' }],
        },
      },
    ]);
  });

  it('two events of one packet are one packet; a retry is another', () => {
    const events =
      hubble('2026-11-20T22:40:01.000Z', { ...DENIED, event_type: { type: 5 } }) +
      hubble('2026-11-20T22:40:01.00001Z', { ...DENIED, event_type: { type: 1 } }) +
      hubble('2026-11-20T22:40:02.030Z', { ...DENIED, event_type: { type: 1 } });
    expect(drops({ 'cilium-hubble': events })).toMatchObject([{ packets: 2, attempts: 1 }]);
  });

  it('the event that names the policy decides, wherever it stands', () => {
    const named = {
      drop_reason_desc: 'POLICY_DENY',
      ingress_denied_by: [{ name: 'no-clients', namespace: 'shop', kind: 'CiliumNetworkPolicy' }],
    };
    const events =
      hubble('2026-11-20T22:40:01.000Z', { drop_reason_desc: 'POLICY_DENY' }) +
      hubble('2026-11-20T22:40:01.00001Z', named);
    const [drop] = drops({ 'cilium-hubble': events });
    expect(drop?.explanation).toMatchObject({
      cause: 'POLICY_EXPLICIT_DENY',
      policies: [{ kind: 'CiliumNetworkPolicy', name: 'no-clients', part: 'denies' }],
    });
  });

  it('a reason that is no policy is a cause of its own, and never blamed on one', () => {
    const stale = { drop_reason_desc: 'STALE_OR_UNROUTABLE_IP' };
    const [drop] = drops({ 'cilium-hubble': hubble('2026-11-20T22:40:01Z', stale) });
    expect(drop?.explanation).toMatchObject({ cause: 'POD_GONE', policies: [], direction: null });
    const unread = { drop_reason_desc: 'UNENCRYPTED_TRAFFIC' };
    const [other] = drops({ 'cilium-hubble': hubble('2026-11-20T22:40:01Z', unread) });
    expect(other?.explanation).toMatchObject({
      cause: 'UNDECIDED',
      missing: ['what UNENCRYPTED_TRAFFIC means at cilium'],
    });
  });

  it('what was only audited or forwarded is no drop', () => {
    expect(drops({ 'cilium-hubble': hubble('2026-11-20T22:40:01Z', DENIED, 'AUDIT') })).toEqual([]);
    expect(drops({ 'cilium-hubble': hubble('2026-11-20T22:40:01Z', {}, 'FORWARDED') })).toEqual([]);
    expect(drops({ 'contrail-flow': flow('F') })).toEqual([]);
  });

  it('no policy isolates the pod: the posture dropped it, where the plugin knows no other policies', () => {
    const [drop] = drops({ 'aws-network-policy-log': aws(8080) });
    expect(drop?.explanation).toMatchObject({ cause: 'POSTURE_WITHOUT_POLICY', direction: 'ingress', policies: [] });
    const back = { IP: { source: '10.1.2.9', destination: '10.1.1.7' }, ...DENIED };
    const [unknown] = drops({ 'cilium-hubble': hubble('2026-11-20T22:40:01Z', back) });
    expect(unknown?.explanation).toMatchObject({
      cause: 'POLICY_DEFAULT_DENY',
      missing: ['the policies that isolate client on ingress: cilium does not name them'],
    });
  });

  it('a drop without its reason is derived from the policies, or undecided', () => {
    const [drop] = drops({ 'contrail-flow': flow('D(Unknown)') });
    expect(drop).toMatchObject({ packets: 4, explanation: { cause: 'POLICY_DEFAULT_DENY', basis: 'derived' } });
    const back = flow('D(Unknown)').replace('10.1.1.7:40001', '10.1.2.9:40001').replace('10.1.2.9:8080', '10.1.1.7:80');
    const [undecided] = drops({ 'contrail-flow': back });
    expect(undecided?.explanation).toMatchObject({ cause: 'UNDECIDED', policies: [] });
  });

  it('a rule that passed is not the one that denied, and what is staged is not blamed', () => {
    const strings = ['0|tier1|shop/tier1.first|pass|3', '1|default|shop/knp.default.web-clients|deny|-1'];
    const record = {
      start_time: 1_795_214_400,
      end_time: 1_795_214_415,
      action: 'deny',
      packets_in: 3,
      host: 'n2',
      reporter: 'dst',
      proto: 'tcp',
      source_ip: '10.1.1.7',
      source_port: 40_001,
      dest_ip: '10.1.2.9',
      dest_port: 8080,
      policies: { enforced_policies: strings, pending_policies: ['1|default|shop/staged:knp.default.try|deny|0'] },
    };
    const [drop] = drops({ 'calico-flow-log': `${JSON.stringify(record)}\n` });
    expect(drop).toMatchObject({ packets: 3, explanation: { cause: 'POLICY_DEFAULT_DENY' } });
    expect(drop?.explanation.policies.map(({ name, part }) => `${name} ${part}`)).toEqual([
      'web-clients isolates',
      'first passes',
    ]);
  });
});
