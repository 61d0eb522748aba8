import {
  calicoDrop,
  type CauseCase,
  cluster,
  FREE,
  FROM_CLIENT1,
  NODES,
  PODS,
  policy,
  QUIET,
  SERVICES,
  steady,
  traced,
  unanswered,
} from './cause-scene.js';

const DENY = `apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: { name: no-client, uid: u-no-client }
spec: { selector: app == "free", types: [Ingress], ingress: [{ action: Deny, source: { selector: app == "client" } }, { action: Allow }] }
`;

/** What policies did. */
export const POLICY_CASES: readonly CauseCase[] = [
  {
    code: 'POLICY_EXPLICIT_DENY',
    story: 'a global policy denies client by name',
    finds: 'POLICY_EXPLICIT_DENY dropped observed',
    objects: cluster(...NODES, ...PODS, ...SERVICES, DENY),
    nodes: { n2: calicoDrop('free', { to: FREE }) },
  },
  {
    code: 'POLICY_EXPLICIT_DENY',
    near: true,
    story: 'the same deny, for another pod: client meets the default of web',
    finds: 'POLICY_DEFAULT_DENY dropped observed',
    objects: cluster(...NODES, ...PODS, ...SERVICES, DENY, policy(FROM_CLIENT1)),
    nodes: { n2: calicoDrop('web') },
  },
  {
    code: 'POLICY_DEFAULT_DENY',
    story: 'web admits app=client-1, the client has app=client',
    finds: 'POLICY_DEFAULT_DENY dropped observed',
    nodes: { n2: calicoDrop('web') },
  },
  {
    code: 'POLICY_DEFAULT_DENY',
    near: true,
    story: 'no policy isolates free, and its chain drops all the same',
    finds: 'POSTURE_WITHOUT_POLICY dropped observed',
    nodes: { n2: calicoDrop('free', { to: FREE }) },
  },
  {
    code: 'UNDECIDED',
    story: 'UNREPLIED at the source, and nothing is known of the destination’s node',
    finds: 'UNDECIDED unknown unknown',
    missing: 'conntrack of node n2',
    nodes: { n1: { conntrack: unanswered({ to: FREE }) } },
  },
  {
    code: 'UNDECIDED',
    near: true,
    story: 'the same with the destination’s node captured without a gap: lost between the nodes',
    finds: 'CLOUD_SG_NACL failed derived',
    nodes: { n1: { conntrack: unanswered({ to: FREE }) }, n2: QUIET },
  },
];

/** A chain rule that ended a packet, traced on a node. */
export function ended(rule: string, packet: object = {}, { table = 'filter', verdict = 'DROP' } = {}) {
  return { trace: traced(1, packet, rule, verdict, table), rulesets: steady([rule], 1, table) };
}
