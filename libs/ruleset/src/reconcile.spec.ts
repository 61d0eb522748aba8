import type { ConnectionQuery, ConnectionVerdict, DirectionVerdict, KubernetesObject } from '@whydrop/model';
import { createOwnerIndex } from './owner.js';
import { interfaceDigits } from './owner/calico-names.js';
import { reconcile, type Intent, type ReconcileInput } from './reconcile.js';
import { snapshotOf } from './ruleset-fixture.js';

function side(verdict: DirectionVerdict['verdict']): DirectionVerdict {
  return { verdict, isolatedBy: [], decidedBy: [], misses: [], assumptions: [], missing: [], reason: '' };
}

/** Intent that isolates pod web for ingress and admits what `allows` says. */
function intent(allows: (query: ConnectionQuery) => boolean): Intent {
  return (query): ConnectionVerdict => {
    const isWeb = query.destination.kind === 'pod' && query.destination.name === 'web';
    const ingress = side(!isWeb || allows(query) ? 'allowed' : 'denied');
    const direction = ingress.verdict === 'denied' ? 'ingress' : null;
    return { verdict: ingress.verdict, direction, egress: side('allowed'), ingress, findings: [], reason: '' };
  };
}

const WEB = `cali${interfaceDigits('shop', 'web')}`;
const POLICY: KubernetesObject = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { namespace: 'shop', name: 'web', uid: 'u1' },
};

function ruleset(port: number) {
  return snapshotOf(`*filter
:FORWARD ACCEPT
:cali-tw-${WEB} -
:cali-pi-knp/shop/web -
-A FORWARD -o ${WEB} -j cali-tw-${WEB}
-A cali-tw-${WEB} -m comment --comment "cali:AAAAAAAAAAAAAAAA" -j cali-pi-knp/shop/web
-A cali-tw-${WEB} -m comment --comment "cali:AAAAAAAAAAAAAAAB" -m mark --mark 0x10000/0x10000 -j RETURN
-A cali-tw-${WEB} -m comment --comment "cali:AAAAAAAAAAAAAAAC" -m comment --comment "Drop if no policies passed packet" -j DROP
-A cali-pi-knp/shop/web -p tcp -m set --match-set clients src -m multiport --dports ${port} -j MARK --set-xmark 0x10000/0x10000
COMMIT`);
}

function run(more: Partial<ReconcileInput> = {}) {
  const pods = [
    { namespace: 'shop', name: 'web', ip: '10.0.0.1', node: 'n1' },
    { namespace: 'shop', name: 'client', ip: '10.0.1.1', node: 'n2' },
    { namespace: 'shop', name: 'other', ip: '10.0.1.2', node: 'n2' },
  ];
  const member = { element: '10.0.1.1', nomatch: false, comment: undefined, timeout: undefined };
  return reconcile({
    node: 'n1',
    ruleset: ruleset(80),
    ipsets: {
      kind: 'ipsets',
      observedAt: 0,
      sets: [{ name: 'clients', type: 'hash:net', family: 'inet', members: [member] }],
    },
    owners: createOwnerIndex({ pods, policies: [POLICY] }),
    pods,
    intent: intent(
      ({ source, protocol, port }) =>
        source.kind === 'pod' && source.name === 'client' && protocol === 'TCP' && port === 80,
    ),
    ...more,
  });
}

describe('reconcile', () => {
  it('says nothing where the node does what was written', () => {
    const { drifts, compared, undecided } = run({ outside: ['203.0.113.7'] });
    expect(drifts).toEqual([]);
    expect(undecided).toBe(0);
    expect(compared).toBe(2 * 2 * 6);
  });

  it('policy allows it, the node stops it: the smallest connection is the witness', () => {
    const { drifts } = run({ intent: intent(() => true) });
    expect(drifts).toHaveLength(1);
    expect(drifts[0]).toMatchObject({
      code: 'NODE_DENIES',
      workload: { namespace: 'shop', pod: 'web' },
      direction: 'ingress',
      witness: { protocol: 'TCP', source: '10.0.1.2', destination: '10.0.0.1', destinationPort: 80 },
      decidedAt: { chain: `cali-tw-${WEB}`, position: 3 },
      count: 7,
      sentence: 'shop/other -> shop/web:80/TCP on node n1: policy allows it, the node stops it.',
    });
  });

  it('policy denies it, the node lets it through', () => {
    expect(
      run({ intent: intent(() => false) }).drifts.map(({ code, count, direction }) => `${code} ${count} ${direction}`),
    ).toEqual(['NODE_ALLOWS 1 ingress']);
  });

  it('a node that still does what was written before is lagging', () => {
    const wasSo: Intent = intent(
      ({ source, protocol, port }) =>
        source.kind === 'pod' && source.name === 'client' && protocol === 'TCP' && port === 80,
    );
    expect(run({ intent: intent(() => false), earlierIntent: wasSo }).drifts.map(({ code }) => code)).toEqual([
      'LAGGING',
    ]);
  });

  it('chains of pods and policies that are gone', () => {
    const { drifts } = run({ owners: createOwnerIndex({ pods: [], policies: [] }) });
    expect(drifts.filter(({ code }) => code === 'ORPHAN_CHAIN').map(({ sentence }) => sentence)).toEqual([
      `Chain cali-tw-${WEB} of table filter on node n1 belongs to no pod of the node (${WEB}).`,
      'Chain cali-pi-knp/shop/web of table filter on node n1 belongs to no policy that exists.',
    ]);
  });

  it('set members that are missing or left over', () => {
    const { drifts } = run({ expectedMembers: () => ['10.0.1.9', '10.0.1.8'] });
    expect(drifts.map(({ code, count, sentence }) => `${code} ${count} ${sentence}`)).toEqual([
      'SET_MEMBER_MISSING 2 Set clients on node n1 lacks 10.0.1.8 and 1 more.',
      'SET_MEMBER_EXTRA 1 Set clients on node n1 still has 10.0.1.1.',
    ]);
  });

  it('what the facts do not decide is counted, not guessed', () => {
    const { drifts, undecided, compared } = run({ ipsets: undefined });
    expect(drifts).toEqual([]);
    expect(undecided).toBeGreaterThan(0);
    expect(undecided).toBeLessThan(compared);
  });

  it('lets through is not said where another backend has rules too; stops is', () => {
    const besides = { ruleset: { ...ruleset(80), otherBackendPresent: true } };
    expect(run({ ...besides, intent: intent(() => false) }).drifts).toEqual([]);
    expect(run({ ...besides, intent: intent(() => true) }).drifts.map(({ code }) => code)).toEqual(['NODE_DENIES']);
  });

  it('what is beyond the limit is told', () => {
    expect(run({ limit: 3 })).toMatchObject({ compared: 3, leftOut: 13 });
  });
});
