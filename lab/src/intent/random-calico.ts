import type { Random } from '../../verify/random.js';
import type { CalicoApiRule, CalicoEntity, CalicoPolicy, LabTier } from '../scenario.js';

/** Calico's own policies, drawn at random: tiers, order, all actions, its selector language. */

export const TIERS: readonly LabTier[] = [
  { name: 'guard', order: 100, defaultAction: 'Pass' },
  { name: 'security', order: 200 },
];

const TERMS = [
  'app == "a"',
  'app == "b"',
  "app != 'c'",
  'app in {"a", "c"}',
  "app not in {'b'}",
  'has(side)',
  '!has(side)',
  'side == "x"',
  'all()',
] as const;
const SPACES = ['team == "one"', 'env == "prod"', 'has(env)', "team != 'one'", 'all()'] as const;
const NETS = ['10.244.1.0/24', '10.244.2.8/29', '192.168.78.200/32', '10.244.0.0/16'] as const;

function selector(random: Random): string {
  const [first, second] = [random.pick(TERMS), random.pick(TERMS)];
  if (random.chance(0.6)) return first;
  return random.chance(0.5) ? `${first} && ${second}` : `!(${first} || ${second})`;
}

function entity(random: Random): CalicoEntity {
  if (random.chance(0.25)) return {};
  if (random.chance(0.3)) {
    const nets = random.some(NETS, 2);
    return { nets, ...(random.chance(0.3) ? { notNets: ['10.244.1.10/32', '10.244.2.11/32'] } : {}) };
  }
  const kind = random.pick(['selector', 'namespaceSelector', 'both'] as const);
  return {
    ...(kind === 'namespaceSelector' ? {} : { selector: selector(random) }),
    ...(kind === 'selector' ? {} : { namespaceSelector: random.pick(SPACES) }),
  };
}

const PORTS: readonly (readonly (number | string)[])[] = [
  [80],
  [8080],
  [80, 8080],
  ['8000:8100'],
  ['web'],
  ['web', 8080],
];

function rule(random: Random, direction: 'ingress' | 'egress'): CalicoApiRule {
  const action = random.pick(['Allow', 'Allow', 'Allow', 'Deny', 'Deny', 'Pass', 'Log'] as const);
  const protocol = random.pick(['TCP', 'TCP', 'UDP', 'ICMP', 'any'] as const);
  const ports = protocol === 'TCP' && random.chance(0.7) ? random.pick(PORTS) : undefined;
  const far = entity(random);
  const destination = { ...(direction === 'egress' ? far : {}), ...(ports ? { ports } : {}) };
  return {
    action,
    ...(protocol === 'any' ? {} : { protocol }),
    ...(direction === 'ingress' && Object.keys(far).length > 0 ? { source: far } : {}),
    ...(Object.keys(destination).length > 0 ? { destination } : {}),
  };
}

/** A namespaced or a global policy in one of the tiers; a name in another tier than `default` begins with the tier's. */
export function randomCalicoPolicy(random: Random, namespaces: readonly string[], index: number): CalicoPolicy {
  const tier = random.pick(['guard', 'security', 'default', 'default'] as const);
  const types = random.pick([['Ingress'], ['Egress'], ['Ingress', 'Egress']] as const);
  const rules = (direction: 'ingress' | 'egress') =>
    Array.from({ length: random.integer(0, 3) }, () => rule(random, direction));
  return {
    kind: 'calico',
    ...(random.chance(0.3) ? {} : { namespace: random.pick(namespaces) }),
    name: tier === 'default' ? `policy-${index}` : `${tier}.policy-${index}`,
    spec: {
      tier,
      ...(random.chance(0.8) ? { order: random.pick([10, 500, 1000, 2000]) } : {}),
      selector: selector(random),
      types,
      ...(types.some((type) => type === 'Ingress') ? { ingress: rules('ingress') } : {}),
      ...(types.some((type) => type === 'Egress') ? { egress: rules('egress') } : {}),
    },
  };
}
