import { policyOn } from '../selectors.js';
import type { LabPod, LabPolicy, Scenario } from '../scenario.js';
import type { Dialect } from './dialect.js';
import {
  addDispatch,
  addFelixChain,
  calicoRules,
  directionsOf,
  felixIpsets,
  felixLines,
  limited,
  profilesOf,
  ruleMatch,
  workloadInterface,
  type Direction,
  type FelixRule,
} from './felix.js';
import { addKubeProxyFilter, addKubeProxyNat } from './kube-proxy.js';
import { Tables } from './tables.js';

/** Calico v3.30/v3.31 with flow logs on: projectcalico/calico `felix/rules/{static,endpoints,policy}.go`. */

const ACCEPT = '0x10000/0x10000';
const NO_PASS = '-m mark --mark 0/0x20000';
const IF_ACCEPT = `-m mark --mark ${ACCEPT}`;
const SET_ACCEPT = `--jump MARK --set-mark ${ACCEPT}`;
const CLEAR_ALL = '--jump MARK --set-mark 0/0x1b0000';
const DROP = '--jump DROP';

const sides = {
  ingress: { group: 1, letter: 'I', policy: 'cali-pi-', profile: 'cali-pri-', endpoint: 'cali-tw-' },
  egress: { group: 2, letter: 'E', policy: 'cali-po-', profile: 'cali-pro-', endpoint: 'cali-fw-' },
} as const;

const nflog = (direction: Direction, prefix: string): string =>
  `--jump NFLOG --nflog-group ${sides[direction].group} --nflog-prefix ${prefix} --nflog-size 80`;

const policyId = (policy: LabPolicy): string => `${policy.namespace}/knp.default.${policy.name}`;

const policyChain = (policy: LabPolicy, direction: Direction): string =>
  limited(sides[direction].policy, `default/${policyId(policy)}`);

function policyRules(policy: LabPolicy, direction: Direction, scenario: Scenario): readonly FelixRule[] {
  const name = `Policy ${policyId(policy)} ${direction}`;
  const rules = calicoRules(policy, direction);
  if (rules.length === 0) return [{ comments: [name] }];
  return rules.flatMap((rule, index) => {
    const prefix = `AP${sides[direction].letter}${index}|${policyId(policy)}`;
    const last = index === rules.length - 1;
    return [
      { comments: index === 0 ? [name] : [], match: ruleMatch(rule, policy, direction, scenario), action: SET_ACCEPT },
      { match: IF_ACCEPT, action: nflog(direction, prefix) },
      // A RETURN at the end of a chain would say nothing.
      ...(last ? [] : [{ match: IF_ACCEPT, action: '--jump RETURN' }]),
    ];
  });
}

function tierRules(policies: readonly LabPolicy[], direction: Direction): readonly FelixRule[] {
  if (policies.length === 0) return [];
  const jumps = policies.flatMap((policy) => [
    { match: NO_PASS, action: `--jump ${policyChain(policy, direction)}` },
    { comments: ['Return if policy accepted'], match: IF_ACCEPT, action: '--jump RETURN' },
  ]);
  const end = 'End of tier default. Drop if no policies passed packet';
  return [
    { comments: ['Start of tier default'], action: '--jump MARK --set-mark 0/0x20000' },
    ...jumps,
    { match: NO_PASS, action: nflog(direction, `DP${sides[direction].letter}|default`) },
    { comments: [end], match: NO_PASS, action: DROP },
  ];
}

function encapsulationRules(direction: Direction): readonly FelixRule[] {
  if (direction === 'ingress') return [];
  const drop = (what: string) => [`Drop ${what} encapped packets originating in workloads`];
  return [
    { comments: drop('VXLAN'), match: '-p udp -m multiport --destination-ports 4789', action: DROP },
    { comments: drop('IPinIP'), match: '-p 4', action: DROP },
  ];
}

function endpointRules(pod: LabPod, direction: Direction, scenario: Scenario): readonly FelixRule[] {
  const type = direction === 'ingress' ? 'Ingress' : 'Egress';
  // All have order 1000: the name decides.
  const policies = scenario.policies
    .filter((policy) => policyOn(policy, pod, type))
    .sort((a, b) => (policyId(a) < policyId(b) ? -1 : 1));
  const profiles = profilesOf(pod).flatMap((profile) => [
    { action: `--jump ${limited(sides[direction].profile, profile)}` },
    { comments: ['Return if profile accepted'], match: IF_ACCEPT, action: '--jump RETURN' },
  ]);
  return [
    { match: '-m conntrack --ctstate RELATED,ESTABLISHED', action: '--jump ACCEPT' },
    { match: '-m conntrack --ctstate INVALID', action: DROP },
    { action: '--jump MARK --set-mark 0/0x30000' },
    ...encapsulationRules(direction),
    ...tierRules(policies, direction),
    ...profiles,
    { action: nflog(direction, `DR${sides[direction].letter}`) },
    { comments: ['Drop if no profiles matched'], action: DROP },
  ];
}

function addProfiles(tables: Tables, pods: readonly LabPod[]): void {
  for (const profile of new Set(pods.flatMap(profilesOf))) {
    for (const direction of ['ingress', 'egress'] as const) {
      const name = `Profile ${profile} ${direction}`;
      const allows = profile.startsWith('kns.');
      const prefix = `AR${sides[direction].letter}0|${profile}`;
      const rules: readonly FelixRule[] = allows
        ? [
            { comments: [name], action: SET_ACCEPT },
            { match: IF_ACCEPT, action: nflog(direction, prefix) },
          ]
        : [{ comments: [name] }];
      addFelixChain(tables, 'filter', limited(sides[direction].profile, profile), rules);
    }
  }
}

function addWorkloads(tables: Tables, scenario: Scenario, node: string): void {
  const pods = scenario.pods.filter((pod) => pod.node === node);
  const used = new Set<LabPolicy>();
  for (const direction of ['ingress', 'egress'] as const) {
    for (const pod of pods) {
      const chain = sides[direction].endpoint + workloadInterface(pod);
      addFelixChain(tables, 'filter', chain, endpointRules(pod, direction, scenario));
      const type = direction === 'ingress' ? 'Ingress' : 'Egress';
      for (const policy of scenario.policies) if (policyOn(policy, pod, type)) used.add(policy);
    }
  }
  for (const policy of used) {
    for (const direction of directionsOf(policy)) {
      addFelixChain(tables, 'filter', policyChain(policy, direction), policyRules(policy, direction, scenario));
    }
  }
  addProfiles(tables, pods);
  const entries = (prefix: string) =>
    pods.map((pod) => ({ interfaceName: workloadInterface(pod), chain: prefix + workloadInterface(pod) }));
  addDispatch(tables, 'cali-from-wl-dispatch', '--in-interface', entries('cali-fw-'));
  addDispatch(tables, 'cali-to-wl-dispatch', '--out-interface', entries('cali-tw-'));
}

const hostAccepted: FelixRule = {
  comments: ['Host endpoint policy accepted packet.'],
  match: IF_ACCEPT,
  action: '--jump ACCEPT',
};

function addStaticFilter(tables: Tables): void {
  for (const chain of [
    'cali-from-host-endpoint',
    'cali-to-host-endpoint',
    'cali-from-hep-forward',
    'cali-to-hep-forward',
  ]) {
    tables.chain('filter', chain);
  }
  tables.chain('filter', 'cali-cidr-block');
  addFelixChain(tables, 'filter', 'cali-FORWARD', [
    { action: '--jump MARK --set-mark 0/0x1a0000' },
    { match: '-m mark --mark 0/0x10000', action: '--jump cali-from-hep-forward' },
    { match: '--in-interface cali+', action: '--jump cali-from-wl-dispatch' },
    { match: '--out-interface cali+', action: '--jump cali-to-wl-dispatch' },
    { action: '--jump cali-to-hep-forward' },
    { action: '--jump cali-cidr-block' },
  ]);
  addFelixChain(tables, 'filter', 'cali-wl-to-host', [
    { action: '--jump cali-from-wl-dispatch' },
    { comments: ['Configured DefaultEndpointToHostAction'], action: '--jump ACCEPT' },
  ]);
  addFelixChain(tables, 'filter', 'cali-INPUT', [
    { match: '--in-interface cali+', action: '--goto cali-wl-to-host' },
    { match: IF_ACCEPT, action: '--jump ACCEPT' },
    { action: CLEAR_ALL },
    { action: '--jump cali-from-host-endpoint' },
    hostAccepted,
  ]);
  addFelixChain(tables, 'filter', 'cali-OUTPUT', [
    { match: IF_ACCEPT, action: '--jump ACCEPT' },
    { match: '--out-interface cali+', action: '--jump RETURN' },
    { action: CLEAR_ALL },
    { match: '-m conntrack ! --ctstate DNAT', action: '--jump cali-to-host-endpoint' },
    { ...hostAccepted, match: `-m conntrack ! --ctstate DNAT ${IF_ACCEPT}` },
  ]);
}

function addRaw(tables: Tables): void {
  tables.chain('raw', 'cali-rpf-skip').chain('raw', 'cali-from-host-endpoint').chain('raw', 'cali-to-host-endpoint');
  tables.take('raw', 'PREROUTING', felixLines('PREROUTING', [{ action: '--jump cali-PREROUTING' }]));
  tables.take('raw', 'OUTPUT', felixLines('OUTPUT', [{ action: '--jump cali-OUTPUT' }]));
  addFelixChain(tables, 'raw', 'cali-PREROUTING', [
    { action: CLEAR_ALL },
    { match: '--in-interface cali+', action: '--jump MARK --set-mark 0x80000/0x80000' },
    { match: '-m mark --mark 0x80000/0x80000', action: '--jump cali-rpf-skip' },
    { match: '-m mark --mark 0x80000/0x80000 -m rpfilter --validmark --invert', action: DROP },
    { match: '-m mark --mark 0/0x80000', action: '--jump cali-from-host-endpoint' },
    { match: IF_ACCEPT, action: '--jump ACCEPT' },
  ]);
  addFelixChain(tables, 'raw', 'cali-OUTPUT', [
    { action: CLEAR_ALL },
    { action: '--jump cali-to-host-endpoint' },
    { match: IF_ACCEPT, action: '--jump ACCEPT' },
  ]);
}

function addMangle(tables: Tables): void {
  tables.chain('mangle', 'cali-from-host-endpoint').chain('mangle', 'cali-to-host-endpoint');
  tables.take('mangle', 'PREROUTING', felixLines('PREROUTING', [{ action: '--jump cali-PREROUTING' }]));
  tables.take('mangle', 'POSTROUTING', felixLines('POSTROUTING', [{ action: '--jump cali-POSTROUTING' }]));
  addFelixChain(tables, 'mangle', 'cali-PREROUTING', [
    { match: '-m conntrack --ctstate RELATED,ESTABLISHED', action: '--jump ACCEPT' },
    { match: IF_ACCEPT, action: '--jump ACCEPT' },
    { action: '--jump cali-from-host-endpoint' },
    hostAccepted,
  ]);
  addFelixChain(tables, 'mangle', 'cali-POSTROUTING', [
    { match: IF_ACCEPT, action: '--jump RETURN' },
    { action: CLEAR_ALL },
    { match: '-m conntrack --ctstate DNAT', action: '--jump cali-to-host-endpoint' },
    { ...hostAccepted, action: '--jump RETURN' },
  ]);
}

function addNat(tables: Tables, scenario: Scenario): void {
  tables.chain('nat', 'cali-fip-dnat').chain('nat', 'cali-fip-snat');
  const jump = (chain: string) => tables.take('nat', chain, felixLines(chain, [{ action: `--jump cali-${chain}` }]));
  ['PREROUTING', 'OUTPUT', 'POSTROUTING'].forEach(jump);
  addFelixChain(tables, 'nat', 'cali-PREROUTING', [{ action: '--jump cali-fip-dnat' }]);
  addFelixChain(tables, 'nat', 'cali-OUTPUT', [{ action: '--jump cali-fip-dnat' }]);
  addFelixChain(tables, 'nat', 'cali-POSTROUTING', [
    { action: '--jump cali-fip-snat' },
    { action: '--jump cali-nat-outgoing' },
  ]);
  const leaving = '-m set --match-set cali40masq-ipam-pools src -m set ! --match-set cali40all-ipam-pools dst';
  addFelixChain(tables, 'nat', 'cali-nat-outgoing', [{ match: leaving, action: '--jump MASQUERADE --random-fully' }]);
  addKubeProxyNat(tables, scenario);
}

/** Felix puts its jump first and its verdict last; kube-proxy's rules stand between. */
function addFilter(tables: Tables, scenario: Scenario, node: string): void {
  for (const chain of ['INPUT', 'FORWARD', 'OUTPUT']) {
    tables.take('filter', chain, felixLines(chain, [{ action: `--jump cali-${chain}` }]));
  }
  addStaticFilter(tables);
  addWorkloads(tables, scenario, node);
  addKubeProxyFilter(tables, scenario);
  const accepted = { comments: ['Policy explicitly accepted packet.'], match: IF_ACCEPT, action: '--jump ACCEPT' };
  tables.take('filter', 'FORWARD', felixLines('FORWARD', [accepted, { action: SET_ACCEPT }]));
}

export const calicoCurrent: Dialect = {
  name: 'calico',
  interfaceOf: (pod) => workloadInterface(pod),
  program(scenario, node) {
    const tables = new Tables();
    addRaw(tables);
    addMangle(tables);
    addNat(tables, scenario);
    addFilter(tables, scenario, node);
    return { ipsets: felixIpsets(scenario, scenario.policies), iptables: tables.print() };
  },
};
