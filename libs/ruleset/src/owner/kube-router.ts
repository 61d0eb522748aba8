import { createHash } from 'node:crypto';
import type { Chain, ChainOwner, ChainRule, Family, PolicyDirection, PolicyRef } from '@whydrop/model';
import { findChain } from '../chain-lookup.js';
import { matchOption, ruleSyntax } from '../rule-syntax.js';
import { policyByName, type KnownPolicy } from './known-policy.js';
import { roleOfRule } from './rule-role.js';
import {
  roleOfTexts,
  ruleOwner,
  type OwnerFacts,
  type OwnerQuery,
  type OwnerRole,
  type RuleOwner,
} from './rule-owner.js';

const PLUGIN = 'kube-router';
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** First sixteen characters of base32(SHA-256(text)): the suffix of kube-router's chains and sets. */
export function kubeRouterSuffix(text: string): string {
  const bytes = createHash('sha256').update(text).digest();
  const bits = Array.from(bytes.subarray(0, 10), (byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? []).map((five) => BASE32[parseInt(five, 2)]).join('');
}

/** Comments without the quotes that v2.6 and later write into two of them. */
function texts(rule: ChainRule): readonly string[] {
  return rule.comments.map((comment) => comment.replace(/^"(.*)"$/, '$1'));
}

function firstMatch(rule: ChainRule, patterns: readonly RegExp[]): RegExpExecArray | undefined {
  for (const text of texts(rule)) {
    for (const pattern of patterns) {
      const match = pattern.exec(text);
      if (match) return match;
    }
  }
  return undefined;
}

/** Group 1 namespace, group 2 pod; up to v2.10 the pod comes first. */
const POD_NEW = [/^([^\s/]+)\/(\S+) (?:reject|log-drop|in|out)$/];
const POD_OLD = [/POD name:\s?(\S+) namespace: (\S+)/];

function podOf(rule: ChainRule): ChainOwner['workload'] {
  const recent = firstMatch(rule, POD_NEW);
  if (recent) return { namespace: recent[1] ?? '', pod: recent[2] ?? '' };
  const old = firstMatch(rule, POD_OLD);
  return old && { namespace: old[2] ?? '', pod: old[1] ?? '' };
}

function podOfChain(chain: Chain): ChainOwner['workload'] {
  for (const rule of chain.rules) {
    const pod = podOf(rule);
    if (pod) return pod;
  }
  return undefined;
}

const POLICY_NEW = [/^([^\s/]+)\/(\S+) (ingress|egress) (pods|any|cidr)( np)?$/];
const POLICY_OLD = [/selected by policy name:? (\S+) namespace (\S+)/];

interface RulePolicy {
  readonly namespace: string;
  readonly name: string;
}

function policyOf(rule: ChainRule): RulePolicy | undefined {
  const recent = firstMatch(rule, POLICY_NEW);
  if (recent) return { namespace: recent[1] ?? '', name: recent[2] ?? '' };
  const old = firstMatch(rule, POLICY_OLD);
  return old && { namespace: old[2] ?? '', name: old[1] ?? '' };
}

function refOf(known: readonly KnownPolicy[], { namespace, name }: RulePolicy): PolicyRef {
  const found = known.find(
    ({ ref }) => ref.kind === 'NetworkPolicy' && ref.namespace === namespace && ref.name === name,
  );
  return found?.ref ?? policyByName('NetworkPolicy', namespace, name);
}

/** Names of the sets a rule asks, by their side. */
function setsOf(rule: ChainRule): readonly string[] {
  return ruleSyntax(rule.text)
    .matches.flatMap((match) => match.options)
    .filter((option) => option.name === '--match-set')
    .map((option) => option.values[0]?.replace(/^inet6:/, '') ?? '');
}

const FAMILY: Readonly<Record<Family, string>> = { inet: 'IPv4', inet6: 'IPv6' };

/** What is written for a direction: its target set, and its peer sets by rule index. */
const SIDES = {
  ingress: { target: 'KUBE-DST-', peers: 'KUBE-SRC-', rule: 'ingressrule' },
  egress: { target: 'KUBE-SRC-', peers: 'KUBE-DST-', rule: 'egressrule' },
} as const;

/** More rules than a policy has: the sets of so many are tried. */
const RULES_TRIED = 64;
const PORTS_TRIED = 16;

function peerTexts(base: string, family: string): readonly string[] {
  const named = Array.from({ length: PORTS_TRIED }, (_, j) => `${base}${j}${family}namedport`);
  return [`${base}${family}pod`, `${base}${family}ipblock`, ...named];
}

const ruleSets = new Map<string, ReadonlyMap<string, number>>();

/** Peer set name to rule index, for one policy, direction and family (v1.x wrote no family). */
function peerSets(policy: RulePolicy, direction: PolicyDirection, family: Family): ReadonlyMap<string, number> {
  const key = `${policy.namespace} ${policy.name} ${direction} ${family}`;
  const cached = ruleSets.get(key);
  if (cached) return cached;
  const side = SIDES[direction];
  const names = new Map<string, number>();
  for (let i = 0; i < RULES_TRIED; i++) {
    const base = `${policy.namespace}${policy.name}${side.rule}${i}`;
    for (const text of [...peerTexts(base, FAMILY[family]), `${base}pod`, `${base}ipblock`]) {
      const prefix = text.endsWith('namedport') ? 'KUBE-DST-' : side.peers;
      const name = `${prefix}${kubeRouterSuffix(text)}`;
      if (!names.has(name)) names.set(name, i);
    }
  }
  if (ruleSets.size > 2_000) ruleSets.clear();
  ruleSets.set(key, names);
  return names;
}

function isTarget(name: string, policy: RulePolicy, direction: PolicyDirection, family: Family): boolean {
  const base = `${policy.namespace}${policy.name}`;
  return [`${base}${FAMILY[family]}`, base].some(
    (text) => name === `${SIDES[direction].target}${kubeRouterSuffix(text)}`,
  );
}

/** Direction of an allow rule: said by its comment, else by which of its sets holds the policy's own pods. */
function directionOf(rule: ChainRule, policy: RulePolicy, family: Family): PolicyDirection | undefined {
  const said = firstMatch(rule, POLICY_NEW)?.[3];
  if (said === 'ingress' || said === 'egress') return said;
  const sets = setsOf(rule);
  return (['ingress', 'egress'] as const).find((direction) =>
    sets.some((name) => isTarget(name, policy, direction, family)),
  );
}

function policyRuleOf(rule: ChainRule, policy: RulePolicy, direction: PolicyDirection, family: Family) {
  const names = peerSets(policy, direction, family);
  return setsOf(rule)
    .map((name) => names.get(name))
    .find((index) => index !== undefined);
}

function policyFacts(known: readonly KnownPolicy[], query: OwnerQuery, rule: ChainRule): OwnerFacts {
  const policy = policyOf(rule);
  if (!policy) return {};
  const { family } = query.snapshot;
  const direction = directionOf(rule, policy, family);
  return {
    policies: [refOf(known, policy)],
    direction,
    policyRule: direction && policyRuleOf(rule, policy, direction, family),
  };
}

function policyChain(known: readonly KnownPolicy[], query: OwnerQuery): RuleOwner {
  const rule = query.rule ?? query.chain.rules.find((each) => policyOf(each));
  if (!rule) return ruleOwner(PLUGIN, 'policy');
  const facts = policyFacts(known, query, rule);
  return query.rule
    ? ruleOwner(PLUGIN, 'policy', facts)
    : ruleOwner(PLUGIN, 'policy', { policies: facts.policies ?? [] });
}

/** Policy a jump of a pod chain leads to; the older comments leave out the namespace, which is the pod's. */
function jumpedPolicy(known: readonly KnownPolicy[], query: OwnerQuery, rule: ChainRule, namespace: string) {
  const recent = firstMatch(rule, [/^([^\s/]+)\/(\S+) policy$/]);
  if (recent) return refOf(known, { namespace: recent[1] ?? '', name: recent[2] ?? '' });
  const old = firstMatch(rule, [/^run through nw policy (\S+)$/]);
  if (old) return refOf(known, { namespace, name: old[1] ?? '' });
  const chain = findChain(query.snapshot, query.table, rule.target ?? '');
  const inside = chain?.rules.map(policyOf).find((policy) => policy !== undefined);
  return inside && refOf(known, inside);
}

/** `-d POD` asks about packets to the pod, `-s POD` about packets from it; neither: both. */
function jumpDirection(rule: ChainRule): PolicyDirection | undefined {
  const syntax = ruleSyntax(rule.text);
  if (matchOption(syntax, '-d')) return 'ingress';
  return matchOption(syntax, '-s') ? 'egress' : undefined;
}

const POD_ROLES: readonly (readonly [RegExp, OwnerRole])[] = [
  [/ reject$|^(default )?rule to REJECT traffic destined for POD/, 'end-of-policies'],
  [/ log-drop$|^rule to log dropped traffic/, 'log'],
  [/^default (ingress|egress)$|^run through default (ingress|egress) network policy/, 'default-allow'],
  [/^from local node$|^rule to permit the traffic/, 'accept'],
  [/^rule to drop invalid state/, 'conntrack-invalid'],
  [/^rule for stateful firewall|^accept established/, 'established-accept'],
];

function podChain(known: readonly KnownPolicy[], query: OwnerQuery): RuleOwner {
  const { chain, rule } = query;
  const workload = podOfChain(chain);
  const policies = (from: readonly ChainRule[]) =>
    from
      .filter((each) => each.target?.startsWith('KUBE-NWPLCY-'))
      .map((each) => jumpedPolicy(known, query, each, workload?.namespace ?? ''))
      .filter((ref) => ref !== undefined);
  if (!rule) return ruleOwner(PLUGIN, 'workload-policies', { workload, evaluated: policies(chain.rules) });
  const role = roleOfTexts(POD_ROLES, texts(rule)) ?? roleOfRule(rule) ?? 'workload-policies';
  if (role === 'end-of-policies') return ruleOwner(PLUGIN, role, { workload, evaluated: policies(chain.rules) });
  return ruleOwner(PLUGIN, role, { workload, direction: jumpDirection(rule), evaluated: policies([rule]) });
}

const SHARED_ROLES: readonly (readonly [RegExp, OwnerRole])[] = [
  [/^reject (unprogrammed local pod|pre-netpol)/, 'unprogrammed'],
  [/^(accept netpol-ok|rule to explicitly ACCEPT)/, 'accept'],
  [/^rule to drop invalid state|^drop invalid state/, 'conntrack-invalid'],
  [/^rule for stateful firewall|^accept established/, 'established-accept'],
  [/^allow /, 'accept'],
];

function sharedChain(query: OwnerQuery): RuleOwner {
  const { chain, rule } = query;
  const byName: OwnerRole = chain.name === 'KUBE-NWPLCY-DEFAULT' ? 'default-allow' : 'entry';
  if (!rule) return ruleOwner(PLUGIN, byName);
  const workload = podOf(rule);
  if (workload) {
    const inward = firstMatch(rule, [/ in$|traffic destined to POD/]);
    return ruleOwner(PLUGIN, 'dispatch', { workload, direction: inward ? 'ingress' : 'egress' });
  }
  return ruleOwner(PLUGIN, roleOfTexts(SHARED_ROLES, texts(rule)) ?? roleOfRule(rule) ?? byName);
}

/**
 * Owner of what kube-router wrote. Chain names hash a time stamp, so everything comes from comments and set names.
 * Source: cloudnativelabs/kube-router `pkg/controllers/netpol`.
 */
export function kubeRouterOwner(known: readonly KnownPolicy[], query: OwnerQuery): RuleOwner | undefined {
  const { chain, rule } = query;
  if (/^KUBE-POD-FW-/.test(chain.name)) return podChain(known, query);
  if (/^KUBE-NWPLCY-(COMMON|TAIL|DEFAULT)$/.test(chain.name) || /^KUBE-ROUTER-/.test(chain.name)) {
    return sharedChain(query);
  }
  if (/^KUBE-NWPLCY-/.test(chain.name)) return policyChain(known, query);
  return rule?.target?.startsWith('KUBE-ROUTER-') ? ruleOwner(PLUGIN, 'entry') : undefined;
}
