import {
  calicoDrop,
  type CauseCase,
  CLIENT,
  cluster,
  FREE,
  FROM_CLIENT1,
  NODES,
  pod,
  PODS,
  policy,
  SERVICES,
  WEB,
} from './cause-scene.js';

const ADMITS = policy('{ from: [{ podSelector: { matchLabels: { app: client } } }], ports: [{ port: 8080 }] }');
const WITHOUT = (name: string) => PODS.filter((text) => !text.includes(`name: ${name},`));
const LONG = cluster(...NODES, ...PODS, ...SERVICES, ADMITS);
const relabelled = (app: string) =>
  pod('client', 'n1', CLIENT).replace('labels: { app: client }', `labels: { app: ${app} }`);
const DROP = { n2: calicoDrop('web') };
const restart = (clock: string) => `INFO: 2026/11/20 ${clock}.500000 Starting Weaveworks NPC 2.8.1; node name "n2"\n`;

/** Section E: a policy's rule ended it, and not as its author wrote it. */
export const CONTROL_CASES: readonly CauseCase[] = [
  {
    code: 'PROGRAMMING_RACE',
    story: 'web got its address three seconds ago',
    finds: 'PROGRAMMING_RACE dropped observed',
    objects: cluster(...NODES, ...WITHOUT('web'), ...SERVICES, ADMITS),
    later: [{ seconds: -2, object: pod('web', 'n2', WEB) }],
    nodes: DROP,
  },
  {
    code: 'PROGRAMMING_RACE',
    story: 'the policy that admits client is two seconds old',
    finds: 'PROGRAMMING_RACE dropped observed',
    objects: cluster(...NODES, ...PODS, ...SERVICES, policy(FROM_CLIENT1)),
    later: [{ seconds: -1, object: ADMITS }],
    nodes: DROP,
  },
  {
    code: 'PROGRAMMING_RACE',
    story: 'client is three seconds old: the node of web has not heard of it',
    finds: 'PROGRAMMING_RACE dropped observed',
    objects: cluster(...NODES, ...WITHOUT('client'), ...SERVICES, ADMITS),
    later: [{ seconds: -2, object: pod('client', 'n1', CLIENT) }],
    nodes: DROP,
  },
  {
    code: 'PROGRAMMING_RACE',
    near: true,
    story: 'web got its address three seconds ago, and the policies deny it anyhow',
    finds: 'POLICY_DEFAULT_DENY dropped observed',
    objects: cluster(...NODES, ...WITHOUT('web'), ...SERVICES, policy(FROM_CLIENT1)),
    later: [{ seconds: -2, object: pod('web', 'n2', WEB) }],
    nodes: DROP,
  },
  {
    code: 'STALE_DATAPLANE',
    story: 'the policy has admitted client for long, and the node still drops it',
    finds: 'STALE_DATAPLANE dropped observed',
    objects: LONG,
    nodes: DROP,
  },
  {
    code: 'STALE_DATAPLANE',
    near: true,
    story: 'the policy that admitted client is gone: no policy selects web, which nothing but a leftover explains',
    finds: 'POSTURE_WITHOUT_POLICY dropped observed',
    objects: LONG,
    later: [{ seconds: -300, object: ADMITS, deleted: true }],
    nodes: DROP,
  },
  {
    code: 'AGENT_RESTART_FLUSH',
    story: 'the enforcer of n2 started four seconds before, and the policies allow it',
    finds: 'AGENT_RESTART_FLUSH dropped observed',
    objects: LONG,
    nodes: { n2: { ...calicoDrop('web'), weaveLog: restart('22:39:57') } },
  },
  {
    code: 'AGENT_RESTART_FLUSH',
    near: true,
    story: 'the enforcer started then, and the policies deny it',
    finds: 'POLICY_DEFAULT_DENY dropped observed',
    nodes: { n2: { ...calicoDrop('web'), weaveLog: restart('22:39:57') } },
  },
  {
    code: 'POSTURE_WITHOUT_POLICY',
    story: 'a chain drops for a pod that no policy selects',
    finds: 'POSTURE_WITHOUT_POLICY dropped observed',
    nodes: { n2: calicoDrop('free', { to: FREE }) },
  },
  {
    code: 'POSTURE_WITHOUT_POLICY',
    near: true,
    story: 'a policy selects it and admits client: the node is behind',
    finds: 'STALE_DATAPLANE dropped observed',
    objects: LONG,
    nodes: DROP,
  },
  {
    code: 'IDENTITY_LAG',
    story: 'client got the label that the policy wants a second ago',
    finds: 'IDENTITY_LAG dropped observed',
    objects: cluster(...NODES, ...WITHOUT('client'), relabelled('other'), ...SERVICES, ADMITS),
    later: [{ seconds: 0, object: relabelled('client') }],
    nodes: DROP,
  },
  {
    code: 'IDENTITY_LAG',
    near: true,
    story: 'client has had that label for a minute',
    finds: 'STALE_DATAPLANE dropped observed',
    objects: cluster(...NODES, ...WITHOUT('client'), relabelled('other'), ...SERVICES, ADMITS),
    later: [{ seconds: -60, object: relabelled('client') }],
    nodes: DROP,
  },
];
