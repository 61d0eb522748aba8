import type { Chain, ChainRule, PolicyDirection, PolicyRef, RulesetSnapshot } from '@whydrop/model';
import { findChain } from '../chain-lookup.js';
import { matchOption, ruleSyntax } from '../rule-syntax.js';
import { policiesOfChain, profilesOfChain, type CalicoIndex } from './calico-index.js';
import { calicoRuleIndex } from './calico-rules.js';
import {
  roleOfTexts,
  ruleOwner,
  type OwnerFacts,
  type OwnerQuery,
  type OwnerRole,
  type RuleOwner,
} from './rule-owner.js';

const PLUGIN = 'calico';

/** A Calico chain name taken apart. */
interface ChainName {
  readonly kind: 'endpoint' | 'policy' | 'profile' | 'group' | 'static';
  readonly direction: PolicyDirection | undefined;
  readonly suffix: string;
}

/** `tw`, `fh` hold the endpoint's ingress rules, `fw`, `th` its egress rules: the words are not from the node's view. */
const PREFIXES: Readonly<Record<string, readonly [ChainName['kind'], PolicyDirection]>> = {
  tw: ['endpoint', 'ingress'],
  fw: ['endpoint', 'egress'],
  fh: ['endpoint', 'ingress'],
  th: ['endpoint', 'egress'],
  fhfw: ['endpoint', 'ingress'],
  thfw: ['endpoint', 'egress'],
  pi: ['policy', 'ingress'],
  po: ['policy', 'egress'],
  pri: ['profile', 'ingress'],
  pro: ['profile', 'egress'],
  gi: ['group', 'ingress'],
  go: ['group', 'egress'],
};

/** Reads a chain name, also behind the layer that the nftables dataplane puts in front; undefined: not Calico's. */
function parseCalicoChain(name: string): ChainName | undefined {
  const plain = name.replace(/^(filter|raw|mangle|nat)-(?=cali)/, '');
  const match = /^cali-?(fhfw|thfw|tw|fw|fh|th|pri|pro|pi|po|gi|go)-(.+)$/.exec(plain);
  const known = match && PREFIXES[match[1] ?? ''];
  if (known) return { kind: known[0], direction: known[1], suffix: match[2] ?? '' };
  if (/^(cali-|felix-)/.test(plain)) return { kind: 'static', direction: undefined, suffix: plain };
  return undefined;
}

function isCalicoRule(rule: ChainRule | undefined): boolean {
  return rule?.comments.some((comment) => /^cali:[\w-]{16}(;|$)/.test(comment)) ?? false;
}

/** Comments without the rule hash; the nftables dataplane writes hash and text as one. */
function texts(rule: ChainRule): readonly string[] {
  return rule.comments.map((comment) => comment.replace(/^cali:[\w-]{16};? ?/, '')).filter((text) => text !== '');
}

const END_OF_TIER = /^End of tier (.+)\. (?:Drop|Reject) if no policies passed packet$/;

/** Texts of comments, and what a rule that carries them is for. */
const ROLE_BY_TEXT: readonly (readonly [RegExp, OwnerRole])[] = [
  [END_OF_TIER, 'end-of-policies'],
  [/^(Drop|Reject) if no policies passed packet$/, 'end-of-policies'],
  [/^(Drop|Reject) if no profiles matched$/, 'end-of-profiles'],
  [/^(Drop|Reject) (VXLAN|IPinIP) encapped packets originating in/, 'encapsulation'],
  [/^(Drop|Reject) (IPIP|IPv[46] VXLAN|IPv[46] Wireguard|VXLAN) packets from non-/, 'encapsulation'],
  [/^Unknown (interface|endpoint)$/, 'unknown-interface'],
  [/^Endpoint admin disabled$/, 'admin-disabled'],
  [/over (ingress|egress) (packet rate|connection) limit$/, 'rate-limit'],
  [/^Configured DefaultEndpointToHostAction$/, 'endpoint-to-host'],
  [/^Policy explicitly accepted packet\.$/, 'accept'],
];

function roleByText(rule: ChainRule): OwnerRole | undefined {
  return roleOfTexts(ROLE_BY_TEXT, texts(rule));
}

/** Roles that show in the matches of a rule that has no text. */
function roleByMatch(rule: ChainRule): OwnerRole | undefined {
  const syntax = ruleSyntax(rule.text);
  const states = matchOption(syntax, '--ctstate')?.values[0]?.split(',') ?? [];
  if (states.includes('INVALID') && rule.target !== 'ACCEPT') return 'conntrack-invalid';
  if (states.includes('ESTABLISHED')) return 'established-accept';
  if (syntax.matches.some((match) => match.module === 'rpfilter')) return 'reverse-path';
  return undefined;
}

const STATIC_ROLES: readonly (readonly [RegExp, OwnerRole])[] = [
  [/^cali-(INPUT|FORWARD|OUTPUT|PREROUTING|POSTROUTING)$/, 'entry'],
  [/dispatch|host-endpoint|hep-forward|endpoint-mark|cali-sm-|forward-check/, 'dispatch'],
  [/^cali-wl-to-host$/, 'endpoint-to-host'],
  [/^cali-failsafe-/, 'failsafe'],
  [/^cali-rpf/, 'reverse-path'],
  [/^cali-cidr-block$/, 'loop-prevention'],
  [/^cali-(nat-outgoing|fip-)/, 'nat'],
];

function logRole(rule: ChainRule): OwnerRole | undefined {
  return rule.target === 'LOG' || rule.target === 'NFLOG' ? 'log' : undefined;
}

function staticOwner(query: OwnerQuery, name: ChainName | undefined): RuleOwner {
  const { rule } = query;
  const byRule = rule && (roleByText(rule) ?? roleByMatch(rule) ?? logRole(rule));
  const byName = STATIC_ROLES.find(([pattern]) => pattern.test(name?.suffix ?? ''))?.[1];
  const iface = rule && workloadInterface(rule);
  return ruleOwner(PLUGIN, byRule ?? byName ?? (name ? 'chain' : 'entry'), { interface: iface });
}

/** A dispatch rule names one interface exactly. */
function workloadInterface(rule: ChainRule): string | undefined {
  const syntax = ruleSyntax(rule.text);
  const name = (matchOption(syntax, '-i') ?? matchOption(syntax, '-o'))?.values[0];
  return name === undefined || name.endsWith('+') ? undefined : name;
}

/** Policies a jump leads to: those of a policy chain, or all of a group's. */
function jumpedPolicies(
  index: CalicoIndex,
  snapshot: RulesetSnapshot,
  table: string,
  target: string,
): readonly PolicyRef[] {
  const name = parseCalicoChain(target);
  const chain: Chain = findChain(snapshot, table, target) ?? {
    name: target,
    policy: undefined,
    counter: undefined,
    rules: [],
  };
  if (name?.kind === 'policy') return policiesOfChain(index, chain, name.suffix);
  if (name?.kind !== 'group') return [];
  return chain.rules.flatMap((rule) =>
    rule.target === undefined || rule.target === target ? [] : jumpedPolicies(index, snapshot, table, rule.target),
  );
}

/** One tier of an endpoint chain: its name where the chain says it, and the policies asked in it. */
interface TierSection {
  readonly tier: string;
  readonly policies: readonly PolicyRef[];
}

const START_OF_TIER = /^Start of tier (.+)$/;

function captured(rule: ChainRule, pattern: RegExp): string | undefined {
  for (const text of texts(rule)) {
    const match = pattern.exec(text);
    if (match) return match[1];
  }
  return undefined;
}

/** The tier section that `rule` stands in, or ends. Before v3.29 there is one tier and the chain does not name it. */
function tierSection(index: CalicoIndex, query: OwnerQuery, rule: ChainRule): TierSection {
  let tier = 'default';
  let policies: PolicyRef[] = [];
  for (const other of query.chain.rules) {
    if (other.position > rule.position) break;
    const started = captured(other, START_OF_TIER);
    if (started !== undefined || texts(other).includes('Start of policies')) {
      tier = started ?? 'default';
      policies = [];
    }
    if (other.target !== undefined) policies.push(...jumpedPolicies(index, query.snapshot, query.table, other.target));
  }
  return { tier: captured(rule, END_OF_TIER) ?? tier, policies };
}

function endpointRule(index: CalicoIndex, query: OwnerQuery, facts: OwnerFacts, rule: ChainRule): RuleOwner {
  const role = roleByText(rule);
  if (role === 'end-of-policies') {
    const { tier, policies } = tierSection(index, query, rule);
    return ruleOwner(PLUGIN, role, { ...facts, tier, evaluated: policies });
  }
  if (role) return ruleOwner(PLUGIN, role, facts);
  if (rule.target !== undefined && parseCalicoChain(rule.target)) {
    const policies = jumpedPolicies(index, query.snapshot, query.table, rule.target);
    return ruleOwner(PLUGIN, 'workload-policies', { ...facts, evaluated: policies });
  }
  return ruleOwner(PLUGIN, roleByMatch(rule) ?? logRole(rule) ?? 'workload-policies', facts);
}

function policyOwner(index: CalicoIndex, query: OwnerQuery, name: ChainName): RuleOwner {
  const { chain, rule } = query;
  const policies = policiesOfChain(index, chain, name.suffix);
  const facts: OwnerFacts = { direction: name.direction, policies };
  if (!rule) return ruleOwner(PLUGIN, 'policy', facts);
  const known = policies.length === 1 ? index.known.find(({ ref }) => ref === policies[0]) : undefined;
  const policyRule = calicoRuleIndex(query, name.direction ?? 'ingress', known, policies[0]?.kind);
  const denies = rule.target === 'DROP' || rule.target === 'REJECT';
  return ruleOwner(PLUGIN, denies ? 'policy-deny' : (logRole(rule) ?? 'policy'), { ...facts, policyRule });
}

/** Owner of a chain or rule that Calico wrote; undefined when it did not. `workloadOf` maps interface to pod. */
export function calicoOwner(
  index: CalicoIndex,
  workloadOf: (name: string) => RuleOwner['workload'],
  query: OwnerQuery,
): RuleOwner | undefined {
  const name = parseCalicoChain(query.chain.name);
  if (!name) return isCalicoRule(query.rule) ? staticOwner(query, undefined) : undefined;
  switch (name.kind) {
    case 'endpoint': {
      const facts = { workload: workloadOf(name.suffix), interface: name.suffix, direction: name.direction };
      return query.rule ? endpointRule(index, query, facts, query.rule) : ruleOwner(PLUGIN, 'workload-policies', facts);
    }
    case 'policy':
      return policyOwner(index, query, name);
    case 'profile': {
      const policies = profilesOfChain(index, query.chain, name.suffix);
      return ruleOwner(PLUGIN, 'profile', { direction: name.direction, policies });
    }
    case 'group': {
      const evaluated = jumpedPolicies(index, query.snapshot, query.table, query.chain.name);
      return ruleOwner(PLUGIN, 'policy-group', { direction: name.direction, evaluated });
    }
    case 'static': {
      const owner = staticOwner(query, name);
      return owner.interface === undefined ? owner : { ...owner, workload: workloadOf(owner.interface) };
    }
    default:
      return name.kind satisfies never;
  }
}
