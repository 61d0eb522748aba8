import { createHash } from 'node:crypto';
import type { Chain, ChainRule, PolicyDirection, PolicyRef } from '@whydrop/model';
import { findChain } from '../chain-lookup.js';
import { policyByName, type KnownPolicy } from './known-policy.js';
import { ruleOwner, type OwnerQuery, type OwnerRole, type RuleOwner } from './rule-owner.js';
import { fields, list, policyRules } from './selector-text.js';

const PLUGIN = 'azure-npm';

/** Decimal FNV-1a of 32 bits: what classic chains and sets end in. */
function fnv1a32(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return String(hash);
}

function base36(text: string): string {
  return BigInt(`0x${createHash('sha256').update(text).digest('hex')}`).toString(36);
}

/** Chain suffix of a policy key `ns/name`, classic and current. */
export function azureChainSuffixes(key: string): readonly string[] {
  return [fnv1a32(key), base36(key).slice(-10).padStart(10, '0')];
}

/** Kernel names of a set by its prefixed name (`ns-y`, `podlabel-pod:a`), classic and current. */
export function azureSetNames(prefixed: string): readonly string[] {
  const padded = base36(prefixed).padStart(50, '0');
  return [`azure-npm-${fnv1a32(prefixed)}`, `azure-npm-${padded.slice(0, 20)}`];
}

export type AzureIndex = ReadonlyMap<string, readonly PolicyRef[]>;

/** Chain suffix to policies; in the classic scheme two may share one. */
export function createAzureIndex(known: readonly KnownPolicy[]): AzureIndex {
  const index = new Map<string, PolicyRef[]>();
  for (const { ref } of known.filter((policy) => policy.ref.kind === 'NetworkPolicy')) {
    for (const suffix of azureChainSuffixes(`${ref.namespace}/${ref.name}`)) {
      index.set(suffix, [...(index.get(suffix) ?? []), ref]);
    }
  }
  return index;
}

const JUMP = /^(INGRESS|EGRESS)-POLICY-([^/]+)\/(.+?)-(?:TO|FROM)-(.*)$/;

/** Policy a jump of the top chains leads to. Names are lower case, so the first upper-case word ends them. */
function jumpedPolicy(known: readonly KnownPolicy[], rule: ChainRule): PolicyRef | undefined {
  for (const comment of rule.comments) {
    const match = JUMP.exec(comment);
    if (match) return refOf(known, match[2] ?? '', match[3] ?? '');
  }
  return undefined;
}

function refOf(known: readonly KnownPolicy[], namespace: string, name: string): PolicyRef {
  const found = known.find(
    ({ ref }) => ref.kind === 'NetworkPolicy' && ref.namespace === namespace && ref.name === name,
  );
  return found?.ref ?? policyByName('NetworkPolicy', namespace, name);
}

/** Policies of a policy's chain: what jumps to it says, else the known keys that hash to its suffix. */
function policiesOfChain(
  index: AzureIndex,
  known: readonly KnownPolicy[],
  query: OwnerQuery,
  direction: PolicyDirection,
  suffix: string,
): readonly PolicyRef[] {
  const top = findChain(query.snapshot, query.table, `AZURE-NPM-${direction.toUpperCase()}`);
  const jumps = top?.rules.filter((rule) => rule.target === query.chain.name) ?? [];
  const said = jumps.map((rule) => jumpedPolicy(known, rule)).filter((ref) => ref !== undefined);
  return said.length > 0 ? said : (index.get(suffix) ?? []);
}

/** A set of CIDRs carries the API's own indexes: `cidr-base-in-ns-y-0-1IN` is rule 0, peer 1. */
function cidrRule(rule: ChainRule): number | undefined {
  for (const comment of rule.comments) {
    const match = /cidr-\S+?-in-ns[-:]\S+?-(\d+)-\d+(?:IN|OUT)/.exec(comment) ?? /-(\d+)-\d+(?:IN|OUT)\b/.exec(comment);
    if (match) return Number(match[1]);
  }
  return undefined;
}

/** Rule index of each allow rule of a chain, in API order: one per peer and port. */
function expansion(known: KnownPolicy, direction: PolicyDirection): readonly number[] {
  return policyRules(known.object, direction).flatMap((rule, index) => {
    const peers = list(rule[direction === 'ingress' ? 'from' : 'to']);
    const ports = list(rule['ports']);
    const times = Math.max(peers.length, 1) * Math.max(ports.length, 1);
    return Array.from({ length: times }, () => index);
  });
}

function policyRuleOf(
  chain: Chain,
  rule: ChainRule,
  known: KnownPolicy | undefined,
  direction: PolicyDirection,
): number | undefined {
  const byName = cidrRule(rule);
  if (byName !== undefined) return byName;
  const allows = chain.rules.filter((each) => each.comments.some((comment) => comment.startsWith('ALLOW-')));
  const expanded = known ? expansion(known, direction) : [];
  return expanded.length === allows.length ? expanded[allows.indexOf(rule)] : undefined;
}

function policyChain(
  index: AzureIndex,
  known: readonly KnownPolicy[],
  query: OwnerQuery,
  direction: PolicyDirection,
  suffix: string,
): RuleOwner {
  const policies = policiesOfChain(index, known, query, direction, suffix);
  const { rule } = query;
  if (!rule || rule.target === 'MARK') return ruleOwner(PLUGIN, rule ? 'mark' : 'policy', { direction, policies });
  const object = known.find(({ ref }) => policies.length === 1 && ref === policies[0]);
  const policyRule = policyRuleOf(query.chain, rule, object, direction);
  return ruleOwner(PLUGIN, 'policy', { direction, policies, policyRule });
}

/** A top chain's own rules: jumps to policies, and at its end the one DROP that all of them share. */
function topChain(known: readonly KnownPolicy[], query: OwnerQuery, direction: PolicyDirection): RuleOwner {
  const { chain, rule } = query;
  if (!rule) return ruleOwner(PLUGIN, 'entry', { direction });
  const all = () => chain.rules.map((each) => jumpedPolicy(known, each)).filter((ref) => ref !== undefined);
  if (rule.target === 'DROP') return ruleOwner(PLUGIN, 'shared-drop', { direction, evaluated: all() });
  const policy = jumpedPolicy(known, rule);
  if (policy) return ruleOwner(PLUGIN, 'dispatch', { direction, evaluated: [policy] });
  return ruleOwner(PLUGIN, rule.comments.some((comment) => /^ACCEPT-ON/i.test(comment)) ? 'accept' : 'entry', {
    direction,
  });
}

const V1_DROP = /^DROP-ALL-(?:TO|FROM)-(?:(.*)-IN-)?ns-(.+)$/;

/** The first generation has one DROP per selector and namespace, shared by all policies that have it. */
function v1Drop(known: readonly KnownPolicy[], rule: ChainRule, direction: PolicyDirection): RuleOwner {
  const match = rule.comments.map((comment) => V1_DROP.exec(comment)).find((found) => found !== null);
  const wanted = (match?.[1] ?? '')
    .split('-AND-')
    .filter((text) => text !== '')
    .toSorted()
    .join();
  const evaluated = known
    .filter(({ ref, object }) => {
      const labels = fields(fields(fields(object?.spec)['podSelector'])['matchLabels']);
      const own = Object.entries(labels).map(([key, value]) => `${key}:${String(value)}`);
      return ref.kind === 'NetworkPolicy' && ref.namespace === match?.[2] && own.toSorted().join() === wanted;
    })
    .map(({ ref }) => ref);
  return ruleOwner(PLUGIN, 'end-of-policies', { direction, evaluated });
}

function directionOfName(name: string): PolicyDirection | undefined {
  if (/IN(G|R)RESS|INGRESS/.test(name)) return 'ingress';
  return name.includes('EGRESS') ? 'egress' : undefined;
}

function otherChain(known: readonly KnownPolicy[], { chain, rule }: OwnerQuery): RuleOwner {
  const direction = directionOfName(chain.name);
  if (rule?.target === 'DROP' && direction) return v1Drop(known, rule, direction);
  const role: OwnerRole = /ACCEPT$/.test(chain.name) ? 'accept' : /MARK$/.test(chain.name) ? 'mark' : 'chain';
  return ruleOwner(PLUGIN, chain.name === 'AZURE-NPM' ? 'entry' : role, { direction });
}

/** Owner of what Azure NPM wrote, in all three generations. Source: Azure/azure-container-networking `npm/`. */
export function azureOwner(index: AzureIndex, known: readonly KnownPolicy[], query: OwnerQuery): RuleOwner | undefined {
  const { chain, rule } = query;
  if (!chain.name.startsWith('AZURE-NPM')) {
    return rule?.target === 'AZURE-NPM' ? ruleOwner(PLUGIN, 'entry') : undefined;
  }
  const match = /^AZURE-NPM-(INGRESS|EGRESS)(?:-(\d{5,10}|[0-9a-z]{10}))?$/.exec(chain.name);
  if (!match) return otherChain(known, query);
  const direction = match[1] === 'INGRESS' ? 'ingress' : 'egress';
  if (match[2] === undefined) return topChain(known, query, direction);
  return policyChain(index, known, query, direction, match[2]);
}
