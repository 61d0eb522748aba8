import { createHash } from 'node:crypto';
import type { LabPod, Scenario } from '../scenario.js';
import { appliesTo, felixPolicies, type Direction, type FelixPolicy } from './calico-policy.js';
import { canonicalSelector } from './calico-selector.js';
import type { Dialect } from './dialect.js';
import {
  addDispatch,
  addFelixChain,
  felixIpsets,
  felixLines,
  limited,
  profilesOf,
  ruleMatches,
  workloadInterface,
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
const SCRATCH = { all: 0x80000, block: 0x100000 };

const sides = {
  ingress: { group: 1, letter: 'I', policy: 'cali-pi-', profile: 'cali-pri-', endpoint: 'cali-tw-' },
  egress: { group: 2, letter: 'E', policy: 'cali-po-', profile: 'cali-pro-', endpoint: 'cali-fw-' },
} as const;

const nflog = (direction: Direction, prefix: string): string =>
  `--jump NFLOG --nflog-group ${sides[direction].group} --nflog-prefix ${prefix} --nflog-size 80`;

const policyChain = (policy: FelixPolicy, direction: Direction): string =>
  limited(sides[direction].policy, `${policy.tier}/${policy.v1Name}`);

const verdicts = {
  Allow: { mark: ACCEPT, letter: 'A', then: '--jump RETURN' },
  Pass: { mark: '0x20000/0x20000', letter: 'P', then: '--jump RETURN' },
  Deny: { mark: '0x40000/0x40000', letter: 'D', then: DROP },
} as const;

/** A rule sets the mark of its verdict; what follows tests that mark. */
function verdictRules(policy: FelixPolicy, direction: Direction, index: number): readonly FelixRule[] {
  const rule = policy.rules[direction][index];
  if (!rule) return [];
  const { helpers, match } = ruleMatches(rule, direction, SCRATCH);
  if (rule.action === 'Log') {
    return [...helpers, { match, action: '--jump LOG --log-prefix "calico-packet: " --log-level 5' }];
  }
  const { mark, letter, then } = verdicts[rule.action];
  const prefix = `${letter}P${sides[direction].letter}${index}|${policy.v1Name}`;
  return [
    ...helpers,
    { match, action: `--jump MARK --set-mark ${mark}` },
    { match: `-m mark --mark ${mark}`, action: nflog(direction, prefix) },
    { match: `-m mark --mark ${mark}`, action: then },
  ];
}

function policyRules(policy: FelixPolicy, direction: Direction): readonly FelixRule[] {
  const name = `Policy ${policy.v1Name} ${direction}`;
  const rules = policy.rules[direction].flatMap((_, index) => verdictRules(policy, direction, index));
  // A RETURN at the end of a chain would say nothing.
  if (rules.at(-1)?.action === '--jump RETURN') rules.pop();
  const [first = {}, ...rest] = rules;
  return [{ ...first, comments: [name] }, ...rest];
}

/** Consecutive policies with one selector share a chain of jumps. */
function groupsOf(policies: readonly FelixPolicy[]): readonly (readonly FelixPolicy[])[] {
  const groups: FelixPolicy[][] = [];
  let last: string | undefined;
  for (const policy of policies) {
    const selector = canonicalSelector(policy.selector);
    if (selector === last) groups.at(-1)?.push(policy);
    else groups.push([policy]);
    last = selector;
  }
  return groups;
}

function groupChain(group: readonly FelixPolicy[], direction: Direction): string {
  const [first] = group;
  if (!first) return '';
  if (group.length === 1) return policyChain(first, direction);
  const bound = direction === 'ingress' ? 'inbound' : 'outbound';
  const lines = [first.tier, canonicalSelector(first.selector), bound, `${group.length}`];
  const text = [...lines, ...group.map((policy) => policy.v1Name)].map((line) => `${line}\n`).join('');
  const digest = createHash('sha3-224').update(text).digest('base64url');
  return `cali-g${direction === 'ingress' ? 'i' : 'o'}-${digest.slice(0, 20)}`;
}

function groupRules(group: readonly FelixPolicy[], direction: Direction): readonly FelixRule[] {
  return group.flatMap((policy, index): readonly FelixRule[] => {
    const jump = `--jump ${policyChain(policy, direction)}`;
    if (index === 0) return [{ action: jump }];
    if (index % 5 !== 0) return [{ match: '-m mark --mark 0/0x30000', action: jump }];
    const verdict = { comments: ['Return on verdict'], match: '-m mark ! --mark 0/0x30000', action: '--jump RETURN' };
    return [verdict, { action: jump }];
  });
}

/** The rules of one tier: jumps, then what becomes of a packet that no policy decided. */
function tierRules(policies: readonly FelixPolicy[], direction: Direction, passes: boolean): readonly FelixRule[] {
  const [first] = policies;
  if (!first) return [];
  const jumps = groupsOf(policies).flatMap((group) => [
    { match: NO_PASS, action: `--jump ${groupChain(group, direction)}` },
    { comments: ['Return if policy accepted'], match: IF_ACCEPT, action: '--jump RETURN' },
  ]);
  const { tier } = first;
  const comments = [`End of tier ${tier}. Drop if no policies passed packet`];
  const letter = passes ? 'P' : 'D';
  return [
    { comments: [`Start of tier ${tier}`], action: '--jump MARK --set-mark 0/0x20000' },
    ...jumps,
    { match: NO_PASS, action: nflog(direction, `${letter}P${sides[direction].letter}|${tier}`) },
    ...(passes ? [] : [{ comments, match: NO_PASS, action: DROP }]),
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

type Policies = readonly FelixPolicy[];

function endpointRules(
  pod: LabPod,
  direction: Direction,
  scenario: Scenario,
  policies: Policies,
): readonly FelixRule[] {
  const own = policies.filter((policy) => appliesTo(policy, pod, direction, scenario));
  const tiers = [...new Set(own.map((policy) => policy.tier))].flatMap((tier) => {
    const passes = scenario.tiers?.find((each) => each.name === tier)?.defaultAction === 'Pass';
    const members = own.filter((policy) => policy.tier === tier);
    return tierRules(members, direction, passes);
  });
  const profiles = profilesOf(pod).flatMap((profile) => [
    { action: `--jump ${limited(sides[direction].profile, profile)}` },
    { comments: ['Return if profile accepted'], match: IF_ACCEPT, action: '--jump RETURN' },
  ]);
  return [
    { match: '-m conntrack --ctstate RELATED,ESTABLISHED', action: '--jump ACCEPT' },
    { match: '-m conntrack --ctstate INVALID', action: DROP },
    { action: '--jump MARK --set-mark 0/0x30000' },
    ...encapsulationRules(direction),
    ...tiers,
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

function addPolicies(tables: Tables, pods: readonly LabPod[], scenario: Scenario, policies: Policies): void {
  for (const direction of ['ingress', 'egress'] as const) {
    for (const pod of pods) {
      const own = policies.filter((policy) => appliesTo(policy, pod, direction, scenario));
      for (const group of groupsOf(own)) {
        const chain = groupChain(group, direction);
        if (group.length > 1) setFelixChain(tables, chain, groupRules(group, direction));
      }
    }
  }
  const used = policies.filter((policy) =>
    pods.some((pod) => policy.directions.some((direction) => appliesTo(policy, pod, direction, scenario))),
  );
  for (const policy of used) {
    for (const direction of policy.directions) {
      setFelixChain(tables, policyChain(policy, direction), policyRules(policy, direction));
    }
  }
}

/** Several pods share a chain: it is written once. */
function setFelixChain(tables: Tables, chain: string, rules: readonly FelixRule[]): void {
  if (tables.chain('filter', chain).length === 0) addFelixChain(tables, 'filter', chain, rules);
}

function addWorkloads(tables: Tables, scenario: Scenario, node: string): void {
  const pods = scenario.pods.filter((pod) => pod.node === node);
  const policies = felixPolicies(scenario);
  for (const direction of ['ingress', 'egress'] as const) {
    for (const pod of pods) {
      const chain = sides[direction].endpoint + workloadInterface(pod);
      addFelixChain(tables, 'filter', chain, endpointRules(pod, direction, scenario, policies));
    }
  }
  addPolicies(tables, pods, scenario, policies);
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
  tables.empty('raw', 'cali-rpf-skip', 'cali-from-host-endpoint', 'cali-to-host-endpoint');
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
  tables.empty('mangle', 'cali-from-host-endpoint', 'cali-to-host-endpoint');
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
  tables.empty('nat', 'cali-fip-dnat', 'cali-fip-snat');
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
  attachment: { kind: 'routed' },
  nflogGroups: [1, 2],
  interfaceOf: (pod) => workloadInterface(pod),
  program(scenario, node) {
    const tables = new Tables();
    addRaw(tables);
    addMangle(tables);
    addNat(tables, scenario);
    addFilter(tables, scenario, node);
    return { ipsets: felixIpsets(scenario, felixPolicies(scenario)), tables };
  },
};
