import { createHash } from 'node:crypto';
import type { ChainRule, PolicyDirection, PolicyRef } from '@whydrop/model';
import { chainsOf } from '../chain-lookup.js';
import { matchOption, ruleSyntax } from '../rule-syntax.js';
import type { KnownPolicy } from './known-policy.js';
import { roleOfRule } from './rule-role.js';
import { ruleOwner, type OwnerQuery, type OwnerRole, type RuleOwner } from './rule-owner.js';
import { fields, list, policyRules, selectorText } from './selector-text.js';

const PLUGIN = 'weave-npc';

const DIGITS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789(){}[]+=_$%^!*|/?.;:@#~';

/** Name of a Weave set: `weave-` and the SHA-1 of its key in base 85, least digit first, 31 characters in all. */
export function weaveSetName(key: string): string {
  let rest = BigInt(`0x${createHash('sha1').update(key).digest('hex')}`);
  let text = '';
  while (rest > 0n) {
    text += DIGITS[Number(rest % 85n)];
    rest /= 85n;
  }
  return `weave-${text}`.slice(0, 31);
}

function peerText(peer: unknown, namespace: string): string {
  const { podSelector, namespaceSelector, ipBlock } = fields(peer);
  if (ipBlock !== undefined) {
    const { cidr, except } = fields(ipBlock);
    const excepts = list(except).map(String).toSorted();
    return `cidr: ${String(cidr)}${excepts.length > 0 ? ` except [${excepts.join(' ')}]` : ''}`;
  }
  if (namespaceSelector === undefined) return `pods: namespace: ${namespace}, selector: ${selectorText(podSelector)}`;
  return `namespaces: selector: ${selectorText(namespaceSelector)}${podSelector === undefined ? '' : selectorText(podSelector)}`;
}

/** The comments that a rule of a policy is installed with, one per peer. */
function commentsOf(known: KnownPolicy, direction: PolicyDirection, rule: unknown): readonly string[] {
  const namespace = known.ref.namespace ?? 'default';
  const selector = selectorText(fields(known.object?.spec)['podSelector']);
  const target = `pods: namespace: ${namespace}, selector: ${selector}`;
  const peers = list(fields(rule)[direction === 'ingress' ? 'from' : 'to']);
  const sides = peers.length === 0 ? ['anywhere'] : peers.map((peer) => peerText(peer, namespace));
  return sides.map((side) => (direction === 'ingress' ? `${side} -> ${target}` : `${target} -> ${side}`));
}

/** Where policies would write a rule with this comment. Equal rules of several policies are installed once. */
interface Origin {
  readonly ref: PolicyRef;
  readonly policyRule: number;
  readonly direction: PolicyDirection;
}

export type WeaveIndex = ReadonlyMap<string, readonly Origin[]>;

/** Comments of all known policies' rules, without the direction that older versions leave out. */
export function createWeaveIndex(known: readonly KnownPolicy[]): WeaveIndex {
  const index = new Map<string, Origin[]>();
  for (const policy of known.filter(({ ref }) => ref.kind === 'NetworkPolicy')) {
    for (const direction of ['ingress', 'egress'] as const) {
      for (const [policyRule, rule] of policyRules(policy.object, direction).entries()) {
        for (const comment of commentsOf(policy, direction, rule)) {
          const origins = index.get(comment) ?? [];
          origins.push({ ref: policy.ref, policyRule, direction });
          index.set(comment, origins);
        }
      }
    }
  }
  return index;
}

const COMMENT = /^(.* -> .*?)(?: \((ingress|egress)\))?$/;

function policyOwner(index: WeaveIndex, rule: ChainRule, direction: PolicyDirection): RuleOwner {
  const comment = rule.comments.map((text) => COMMENT.exec(text)).find((match) => match !== null);
  const origins = (index.get(comment?.[1] ?? '') ?? []).filter((origin) => origin.direction === direction);
  const policies = [...new Set(origins.map(({ ref }) => ref))];
  const indexes = new Set(origins.map(({ policyRule }) => policyRule));
  const policyRule = policies.length === 1 && indexes.size === 1 ? [...indexes][0] : undefined;
  return ruleOwner(PLUGIN, 'policy', { direction, policies, policyRule });
}

interface ChainMeaning {
  readonly role: OwnerRole;
  readonly direction: PolicyDirection;
}

const CHAINS: Readonly<Record<string, ChainMeaning>> = {
  'WEAVE-NPC': { role: 'entry', direction: 'ingress' },
  'WEAVE-NPC-DEFAULT': { role: 'default-allow', direction: 'ingress' },
  'WEAVE-NPC-INGRESS': { role: 'policy', direction: 'ingress' },
  'WEAVE-NPC-EGRESS': { role: 'entry', direction: 'egress' },
  'WEAVE-NPC-EGRESS-DEFAULT': { role: 'default-allow', direction: 'egress' },
  'WEAVE-NPC-EGRESS-CUSTOM': { role: 'policy', direction: 'egress' },
  'WEAVE-NPC-EGRESS-ACCEPT': { role: 'mark', direction: 'egress' },
};

/** Every policy that has a say in this direction: none of them let the packet through. */
function isolating(known: readonly KnownPolicy[], direction: PolicyDirection): readonly PolicyRef[] {
  return known
    .filter(({ ref, object }) => {
      if (ref.kind !== 'NetworkPolicy') return false;
      const types = list(fields(object?.spec)['policyTypes']);
      if (types.length > 0) return types.includes(direction === 'ingress' ? 'Ingress' : 'Egress');
      return direction === 'ingress' || policyRules(object, 'egress').length > 0;
    })
    .map(({ ref }) => ref);
}

function npcRule(index: WeaveIndex, query: OwnerQuery, meaning: ChainMeaning): RuleOwner {
  const { rule } = query;
  const { direction } = meaning;
  if (!rule) return ruleOwner(PLUGIN, meaning.role, { direction });
  if (meaning.role === 'policy') return policyOwner(index, rule, direction);
  if (rule.target === 'DROP') return ruleOwner(PLUGIN, 'shared-drop', { direction });
  const accepts = rule.target === 'ACCEPT' || rule.target === 'RETURN' ? 'accept' : undefined;
  const role = meaning.role === 'entry' ? (roleOfRule(rule) ?? accepts ?? 'entry') : meaning.role;
  return ruleOwner(PLUGIN, role, { direction });
}

/** The bridge that the jump to WEAVE-NPC names; rules of FORWARD about it are weaver's too. */
function bridgeOf(query: OwnerQuery): string | undefined {
  if (!chainsOf(query.snapshot, query.table).has('WEAVE-NPC')) return undefined;
  const jump = query.chain.rules.find((rule) => rule.target === 'WEAVE-NPC');
  return jump && matchOption(ruleSyntax(jump.text), '-o')?.values[0];
}

function hookRule(query: OwnerQuery, rule: ChainRule): RuleOwner | undefined {
  if (rule.target === 'WEAVE-NPC') return ruleOwner(PLUGIN, 'entry', { direction: 'ingress' });
  if (rule.target === 'WEAVE-NPC-EGRESS') return ruleOwner(PLUGIN, 'entry', { direction: 'egress' });
  const bridge = bridgeOf(query);
  if (bridge === undefined) return undefined;
  const syntax = ruleSyntax(rule.text);
  const out = matchOption(syntax, '-o');
  if (out?.values[0] !== bridge) return undefined;
  if (rule.target === 'DROP') return ruleOwner(PLUGIN, 'shared-drop', { direction: 'ingress' });
  const role = roleOfRule(rule) ?? (rule.target === 'ACCEPT' ? 'accept' : 'chain');
  return ruleOwner(PLUGIN, role, { direction: out.negated ? 'egress' : 'ingress' });
}

/** Owner of what Weave Net's router and weave-npc wrote. Source: weaveworks/weave `npc/`, `net/bridge.go`. */
export function weaveOwner(index: WeaveIndex, known: readonly KnownPolicy[], query: OwnerQuery): RuleOwner | undefined {
  const meaning = CHAINS[query.chain.name];
  const owner = meaning
    ? npcRule(index, query, meaning)
    : /^WEAVE(-|$)/.test(query.chain.name)
      ? ruleOwner(PLUGIN, query.table === 'nat' ? 'nat' : 'chain')
      : query.rule && hookRule(query, query.rule);
  if (owner?.role !== 'shared-drop' || !owner.direction) return owner;
  return { ...owner, policies: isolating(known, owner.direction) };
}
