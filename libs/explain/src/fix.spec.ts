import {
  answersOf,
  calicoDrop,
  type CauseCase,
  cluster,
  CLUSTER,
  FREE,
  NODES,
  PODS,
  policy,
  SERVICES,
  unanswered,
  WEB,
} from './cause-scene.js';

function fixes(nodes: CauseCase['nodes'], objects = CLUSTER) {
  const [drop] = answersOf({ code: 'POLICY_DEFAULT_DENY', story: '', finds: '', nodes, objects });
  return drop?.explanation.fix ?? [];
}

const N1 = '192.168.0.1';
const LAPTOP = '203.0.113.7';
const THROUGH_N1 = {
  n1: {
    conntrack: unanswered({ from: LAPTOP, to: N1, dport: 30080, backend: WEB, backendPort: 8080, masquerade: N1 }),
  },
  n2: calicoDrop('web', { from: N1 }, 1.1),
};

describe('a fix', () => {
  it('is a change of the policy, and says what else it lets in', () => {
    const [fix, ...others] = fixes({ n2: calicoDrop('web') });
    expect(others).toEqual([]);
    expect(fix?.policy).toMatchObject({ kind: 'NetworkPolicy', namespace: 'shop', name: 'web-clients' });
    expect(fix?.patch).toContain('# NetworkPolicy shop/web-clients');
    expect(fix?.sentence).toContain('newly admit');
  });

  it('is not offered where no policy is the cause', () => {
    expect(fixes({ n2: calicoDrop('free', { to: FREE }) })).toEqual([]);
  });

  it('shows the policies the client where NAT hid it, when they admit it', () => {
    const admits = policy(`{ from: [{ ipBlock: { cidr: ${LAPTOP}/32 } }], ports: [{ port: 8080 }] }`);
    const [fix, ...others] = fixes(THROUGH_N1, cluster(...NODES, ...PODS, ...SERVICES, admits));
    expect(others).toEqual([]);
    expect(fix?.patch).toBe('# Service shop/web\n- op: add\n  path: /spec/externalTrafficPolicy\n  value: Local\n');
  });

  it('is both, when they would not admit the client either; never a rule for the node’s address', () => {
    const found = fixes(THROUGH_N1);
    expect(found).toHaveLength(2);
    expect(found[1]?.patch).toContain(`${LAPTOP}/32`);
    expect(found.map(({ patch }) => patch).join()).not.toContain(N1);
  });
});
