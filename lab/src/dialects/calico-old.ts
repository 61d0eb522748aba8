import type { LabPod, Scenario } from '../scenario.js';
import { appliesTo, felixPolicies, type Direction, type FelixPolicy } from './calico-policy.js';
import type { Dialect } from './dialect.js';
import {
  addDispatch,
  addFelixChain,
  felixIpsets,
  felixLines,
  limited,
  ruleMatches,
  workloadInterface,
  type FelixRule,
} from './felix.js';
import { addKubeProxyFilter, addKubeProxyNat } from './kube-proxy.js';
import { Tables } from './tables.js';

/**
 * Calico v2: marks from 0x1000000 on, policies stored as `<namespace>.<name>`, no policy name in comments, no NFLOG.
 * The endpoint chain reproduces the rule hashes of published listings of that time.
 */

const ACCEPT = '0x1000000/0x1000000';
const NO_PASS = '-m mark --mark 0/0x2000000';
const IF_ACCEPT = `-m mark --mark ${ACCEPT}`;
const DROP = '--jump DROP';
const SCRATCH = { all: 0x4000000, block: 0x8000000 };

const sides = {
  ingress: { policy: 'cali-pi-', profile: 'cali-pri-', endpoint: 'cali-tw-' },
  egress: { policy: 'cali-po-', profile: 'cali-pro-', endpoint: 'cali-fw-' },
} as const;

const policyName = ({ policy }: FelixPolicy): string =>
  policy.namespace === undefined ? policy.name : `${policy.namespace}.${policy.name}`;
const policyChain = (policy: FelixPolicy, direction: Direction): string =>
  limited(sides[direction].policy, policyName(policy));
const profileChain = (namespace: string, direction: Direction): string =>
  limited(sides[direction].profile, `k8s_ns.${namespace}`);

function policyRules(policy: FelixPolicy, direction: Direction): readonly FelixRule[] {
  return policy.rules[direction].flatMap((rule): readonly FelixRule[] => {
    const { helpers, match } = ruleMatches(rule, direction, SCRATCH);
    if (rule.action === 'Deny') return [...helpers, { match, action: DROP }];
    if (rule.action === 'Log') {
      return [...helpers, { match, action: '--jump LOG --log-prefix "calico-packet: " --log-level 5' }];
    }
    const mark = rule.action === 'Allow' ? ACCEPT : '0x2000000/0x2000000';
    return [
      ...helpers,
      { match, action: `--jump MARK --set-mark ${mark}` },
      { match: `-m mark --mark ${mark}`, action: '--jump RETURN' },
    ];
  });
}

function tierRules(policies: readonly FelixPolicy[], direction: Direction): readonly FelixRule[] {
  if (policies.length === 0) return [];
  const jumps = policies.flatMap((policy) => [
    { match: NO_PASS, action: `--jump ${policyChain(policy, direction)}` },
    { comments: ['Return if policy accepted'], match: IF_ACCEPT, action: '--jump RETURN' },
  ]);
  return [
    { comments: ['Start of policies'], action: '--jump MARK --set-mark 0/0x2000000' },
    ...jumps,
    { comments: ['Drop if no policies passed packet'], match: NO_PASS, action: DROP },
  ];
}

function policiesOn(scenario: Scenario, pod: LabPod, direction: Direction): readonly FelixPolicy[] {
  return felixPolicies(scenario).filter((policy) => appliesTo(policy, pod, direction, scenario));
}

/** The chain of one pod and direction; exported because its rule hashes are known from published listings. */
export function oldEndpointRules(pod: LabPod, direction: Direction, scenario: Scenario): readonly FelixRule[] {
  return [
    { match: '-m conntrack --ctstate RELATED,ESTABLISHED', action: '--jump ACCEPT' },
    { match: '-m conntrack --ctstate INVALID', action: DROP },
    { action: '--jump MARK --set-mark 0/0x1000000' },
    ...tierRules(policiesOn(scenario, pod, direction), direction),
    { action: `--jump ${profileChain(pod.namespace, direction)}` },
    { comments: ['Return if profile accepted'], match: IF_ACCEPT, action: '--jump RETURN' },
    { comments: ['Drop if no profiles matched'], action: DROP },
  ];
}

function addWorkloads(tables: Tables, scenario: Scenario, node: string): void {
  const pods = scenario.pods.filter((pod) => pod.node === node);
  for (const direction of ['ingress', 'egress'] as const) {
    for (const pod of pods) {
      const chain = sides[direction].endpoint + workloadInterface(pod);
      addFelixChain(tables, 'filter', chain, oldEndpointRules(pod, direction, scenario));
    }
    for (const namespace of new Set(pods.map((pod) => pod.namespace))) {
      const allow = [{ action: `--jump MARK --set-mark ${ACCEPT}` }, { match: IF_ACCEPT, action: '--jump RETURN' }];
      addFelixChain(tables, 'filter', profileChain(namespace, direction), allow);
    }
    for (const policy of pods.flatMap((pod) => policiesOn(scenario, pod, direction))) {
      const chain = policyChain(policy, direction);
      const known = tables.chain('filter', chain).length > 0;
      if (!known) addFelixChain(tables, 'filter', chain, policyRules(policy, direction));
    }
  }
  const entries = (prefix: string) =>
    pods.map((pod) => ({ interfaceName: workloadInterface(pod), chain: prefix + workloadInterface(pod) }));
  addDispatch(tables, 'cali-from-wl-dispatch', '--in-interface', entries('cali-fw-'));
  addDispatch(tables, 'cali-to-wl-dispatch', '--out-interface', entries('cali-tw-'));
}

function addStatic(tables: Tables): void {
  tables.empty('filter', 'cali-from-host-endpoint', 'cali-to-host-endpoint');
  addFelixChain(tables, 'filter', 'cali-FORWARD', [
    { match: '--in-interface cali+', action: '--jump cali-from-wl-dispatch' },
    { match: '--out-interface cali+', action: '--jump cali-to-wl-dispatch' },
    { match: '--in-interface cali+', action: '--jump ACCEPT' },
    { match: '--out-interface cali+', action: '--jump ACCEPT' },
  ]);
  addFelixChain(tables, 'filter', 'cali-wl-to-host', [
    { action: '--jump cali-from-wl-dispatch' },
    { comments: ['Configured DefaultEndpointToHostAction'], action: '--jump ACCEPT' },
  ]);
  const host = (chain: string): readonly FelixRule[] => [
    { action: '--jump MARK --set-mark 0/0x7000000' },
    { action: `--jump ${chain}` },
    { comments: ['Host endpoint policy accepted packet.'], match: IF_ACCEPT, action: '--jump ACCEPT' },
  ];
  addFelixChain(tables, 'filter', 'cali-INPUT', [
    { match: IF_ACCEPT, action: '--jump ACCEPT' },
    { match: '--in-interface cali+', action: '--goto cali-wl-to-host' },
    ...host('cali-from-host-endpoint'),
  ]);
  addFelixChain(tables, 'filter', 'cali-OUTPUT', [
    { match: IF_ACCEPT, action: '--jump ACCEPT' },
    { match: '--out-interface cali+', action: '--jump RETURN' },
    ...host('cali-to-host-endpoint'),
  ]);
}

function addNat(tables: Tables, scenario: Scenario): void {
  const jump = (chain: string) => tables.take('nat', chain, felixLines(chain, [{ action: `--jump cali-${chain}` }]));
  ['PREROUTING', 'OUTPUT', 'POSTROUTING'].forEach(jump);
  tables.empty('nat', 'cali-fip-dnat', 'cali-fip-snat');
  addFelixChain(tables, 'nat', 'cali-PREROUTING', [{ action: '--jump cali-fip-dnat' }]);
  addFelixChain(tables, 'nat', 'cali-OUTPUT', [{ action: '--jump cali-fip-dnat' }]);
  addFelixChain(tables, 'nat', 'cali-POSTROUTING', [
    { action: '--jump cali-fip-snat' },
    { action: '--jump cali-nat-outgoing' },
  ]);
  const leaving = '-m set --match-set cali40masq-ipam-pools src -m set ! --match-set cali40all-ipam-pools dst';
  addFelixChain(tables, 'nat', 'cali-nat-outgoing', [{ match: leaving, action: '--jump MASQUERADE' }]);
  addKubeProxyNat(tables, scenario);
}

export const calicoOld: Dialect = {
  name: 'calico',
  attachment: { kind: 'routed' },
  nflogGroups: [],
  interfaceOf: (pod) => workloadInterface(pod),
  program(scenario, node) {
    const tables = new Tables();
    addNat(tables, scenario);
    for (const chain of ['INPUT', 'FORWARD', 'OUTPUT']) {
      tables.take('filter', chain, felixLines(chain, [{ action: `--jump cali-${chain}` }]));
    }
    addStatic(tables);
    addWorkloads(tables, scenario, node);
    addKubeProxyFilter(tables, scenario);
    return { ipsets: felixIpsets(scenario, felixPolicies(scenario)), tables };
  },
};
