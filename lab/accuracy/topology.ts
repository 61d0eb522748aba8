import { ABILITIES, emptyCluster, randomPolicy } from '../src/intent/random-policies.js';
import type {
  Attempt,
  LabPod,
  LabPolicy,
  LabService,
  Party,
  PolicyChange,
  Scenario,
  Step,
  Target,
} from '../src/scenario.js';
import { backendsOf } from '../src/dialects/kube-proxy.js';
import type { Random } from '../verify/random.js';

/** A cluster whose shape, policies and traffic are drawn at random, and the policies of each round. */
export interface Drawn {
  readonly scenario: Scenario;
  /** The policies in force for each attempt, in the order of the attempts. */
  readonly policiesOf: readonly (readonly LabPolicy[])[];
}

/** With three nodes, the two whose clocks agree tell which one's does not. */
const NODES = ['n1', 'n2', 'n3'] as const;
const APPS = ['a', 'b', 'c'] as const;
const SIDES = [{ side: 'x' }, { side: 'y' }, {}] as const;

const SERVICE_PORT = 8000;
/** Nothing listens there. */
const CLOSED = 81;

function randomPods(random: Random, namespaces: readonly string[]): readonly LabPod[] {
  return Array.from({ length: random.integer(6, 9) }, (_, index): LabPod => {
    const app = random.pick(APPS);
    const node = NODES[index % NODES.length] ?? 'n1';
    return {
      // Every namespace and node has one at least; the rest falls where it falls.
      namespace: namespaces[index] ?? random.pick(namespaces),
      name: `${app}-${index}`,
      node,
      ip: `10.244.${node.slice(1)}.${10 + index}`,
      labels: { app, ...random.pick(SIDES) },
      ports: random.chance(0.5) ? [{ name: 'web', port: 80 }] : [{ port: 80 }],
      listens: [{ port: 80 }, { port: 8080 }, { port: 53, protocol: 'UDP' }],
    };
  });
}

/** A service before the pods of each namespace and app, and one that has no pods. */
function servicesOf(pods: readonly LabPod[]): readonly LabService[] {
  const kinds = [...new Map(pods.map((pod) => [`${pod.namespace}/${pod.labels['app']}`, pod])).values()];
  const named = kinds.map(({ namespace, labels: { app = '' } }, index) => ({
    namespace,
    name: app,
    clusterIp: `10.96.0.${20 + index}`,
    selector: { app },
    ports: [
      { name: 'web', port: SERVICE_PORT, targetPort: 80, nodePort: 30_080 + index },
      { name: 'dns', port: 53, targetPort: 53, protocol: 'UDP' as const },
    ],
  }));
  const nobody = { namespace: 'red', name: 'empty', clusterIp: '10.96.0.99', selector: { app: 'gone' } };
  return [...named, { ...nobody, ports: [{ port: SERVICE_PORT, targetPort: 80 }] }];
}

function emptyRandomCluster(random: Random, dialect: string): Scenario {
  const base = emptyCluster(dialect);
  const pods = randomPods(
    random,
    base.namespaces.map(({ name }) => name),
  );
  const nodes = NODES.map((name, index) => ({
    name,
    ip: `192.168.78.${11 + index}`,
    podCidr: `10.244.${index + 1}.0/24`,
  }));
  return {
    ...base,
    name: `accuracy-${dialect}`,
    cluster: `accuracy-${dialect}`,
    nodes,
    pods,
    services: servicesOf(pods),
  };
}

const partyOf = ({ namespace, name }: LabPod): Party => ({ kind: 'pod', namespace, name });
const OUTSIDE: Party = { kind: 'outside', name: 'laptop' };

/** Long enough for one retry. */
const PATIENT = 1.4;
/** Too short for one: the retry might be sent to another endpoint, and get an answer. */
const ONCE = 0.8;

function toParty(random: Random, from: Party, to: Party): Attempt {
  const ends = { from, to, timeout: PATIENT, expect: 'allowed' } as const;
  if (to.kind === 'pod' && random.chance(0.2)) return { ...ends, protocol: 'UDP', port: 53 };
  return { ...ends, protocol: 'TCP', port: random.pick([80, 80, 8080, 8080, CLOSED]) };
}

function toService(random: Random, from: Party, to: Target, empty: boolean): Attempt {
  const ends = { from, to, timeout: ONCE, expect: 'allowed' } as const;
  if (!empty && random.chance(0.25)) return { ...ends, protocol: 'UDP', port: 53 };
  return { ...ends, protocol: 'TCP', port: SERVICE_PORT };
}

/** A pod that is not behind its own service: plugins differ in what they make of a hairpin. */
function serviceAttempt(random: Random, cluster: Scenario, from: LabPod): Attempt | undefined {
  const far = cluster.services.filter((service) => !backendsOf(cluster, service).includes(from));
  if (far.length === 0) return undefined;
  const service = random.pick(far);
  const to = { kind: 'service', namespace: service.namespace, name: service.name } as const;
  return toService(random, partyOf(from), to, service.name === 'empty');
}

function nodePortAttempt(random: Random, cluster: Scenario): Attempt {
  const portals = cluster.services.flatMap(({ ports }) => ports.flatMap(({ nodePort }) => nodePort ?? []));
  const to = { kind: 'node', name: random.pick(NODES) } as const;
  return { from: OUTSIDE, to, protocol: 'TCP', port: random.pick(portals), timeout: ONCE, expect: 'allowed' };
}

/** From another node: what a node does to its own pods is no question of policy. */
function fromNode(random: Random, cluster: Scenario): Attempt {
  const pod = random.pick(cluster.pods);
  const name = random.pick(NODES.filter((node) => node !== pod.node));
  return toParty(random, { kind: 'node', name }, partyOf(pod));
}

/** The kernel's trace tells echoes apart by their addresses only: no pair twice in one capture. */
function ping(random: Random, cluster: Scenario, used: Set<string>): Attempt | undefined {
  const [from, to] = [random.pick(cluster.pods), random.pick(cluster.pods)];
  const pair = [from.ip, to.ip].toSorted().join(' ');
  if (from === to || used.has(pair)) return undefined;
  used.add(pair);
  return { from: partyOf(from), to: partyOf(to), protocol: 'ICMP', timeout: ONCE, expect: 'allowed' };
}

function attempt(random: Random, cluster: Scenario, used: Set<string>): Attempt | undefined {
  const pod = random.pick(cluster.pods);
  const draw = random.next();
  if (draw < 0.25) return serviceAttempt(random, cluster, pod);
  if (draw < 0.32) return nodePortAttempt(random, cluster);
  if (draw < 0.42) return toParty(random, OUTSIDE, partyOf(pod));
  // On an overlay a node speaks to pods with its bridge's address, which the trace cannot join to the node.
  if (draw < 0.48) return cluster.dialect === 'weave-npc' ? undefined : fromNode(random, cluster);
  if (draw < 0.54) return toParty(random, partyOf(pod), OUTSIDE);
  if (draw < 0.6) return ABILITIES[cluster.dialect]?.pings ? ping(random, cluster, used) : undefined;
  const other = random.pick(cluster.pods);
  return other === pod ? undefined : toParty(random, partyOf(pod), partyOf(other));
}

/** Below those that the kernel and node ports use. */
const FIRST_SOURCE_PORT = 20_000;

/** Two attempts on the same ports within seconds are told apart by sequence numbers only, which most evidence lacks. */
function withOwnPort(one: Attempt, made: number): Attempt {
  return { ...one, sourcePort: FIRST_SOURCE_PORT + made };
}

/** Most policies of a round are new; some stay, so that counters and explanations run on over a change. */
function nextPolicies(random: Random, dialect: string, round: number, before: readonly LabPolicy[]) {
  const kept = before.filter(() => random.chance(0.3));
  const fresh = Array.from({ length: random.integer(2, 5) }, (_, at) => randomPolicy(random, dialect, round * 10 + at));
  return { kept, fresh };
}

/** Draws a cluster and `attempts` connections, with other policies every `perRound` of them. */
export function drawScenario(random: Random, dialect: string, attempts: number, perRound: number): Drawn {
  const cluster = emptyRandomCluster(random, dialect);
  const used = new Set<string>();
  const steps: Step[] = [];
  const policiesOf: (readonly LabPolicy[])[] = [];
  let policies: readonly LabPolicy[] = nextPolicies(random, dialect, 0, []).fresh;
  const first = policies;
  for (let round = 0; policiesOf.length < attempts; round += 1) {
    if (round > 0) {
      const { kept, fresh } = nextPolicies(random, dialect, round, policies);
      const change: PolicyChange = { remove: policies.filter((policy) => !kept.includes(policy)), apply: fresh };
      steps.push(change);
      policies = [...kept, ...fresh];
    }
    const tries: Attempt[] = [];
    while (tries.length < Math.min(perRound, attempts - policiesOf.length)) {
      const one = attempt(random, cluster, used);
      if (one) tries.push(withOwnPort(one, policiesOf.length + tries.length));
    }
    steps.push(tries);
    policiesOf.push(...tries.map(() => policies));
  }
  return { scenario: { ...cluster, policies: first, steps }, policiesOf };
}
