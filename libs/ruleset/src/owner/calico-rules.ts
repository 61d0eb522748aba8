import { parseCidr, type ChainRule, type Family, type PolicyDirection } from '@whydrop/model';
import { criteria, matchOption, ruleSyntax, targetValue } from '../rule-syntax.js';
import { parseNflogPrefix } from './nflog-prefix.js';
import type { KnownPolicy } from './known-policy.js';
import type { OwnerQuery } from './rule-owner.js';

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** One rule of Calico's list: the rule of the author's list it came from, and whether this family has it at all. */
interface ExpandedRule {
  readonly author: number;
  readonly applies: boolean;
}

/** Whether one of these networks is of the family (no networks: always). */
function anyOfFamily(nets: readonly unknown[], family: Family): boolean {
  return nets.length === 0 || nets.some((net) => typeof net === 'string' && parseCidr(net)?.family === family);
}

function peerApplies(peer: unknown, family: Family): boolean {
  const cidr = fields(fields(peer)['ipBlock'])['cidr'];
  return cidr === undefined || anyOfFamily([cidr], family);
}

function protocolsOf(ports: readonly unknown[]): readonly string[] {
  const names = ports.map((port) => {
    const protocol = fields(port)['protocol'];
    return typeof protocol === 'string' ? protocol : 'TCP';
  });
  return [...new Set(names)].toSorted();
}

/** How many Calico rules a Kubernetes rule becomes per peer: per protocol from v3.11 on, per port item before. */
type Fold = (ports: readonly unknown[]) => number;
const FOLDS: readonly Fold[] = [
  (ports) => Math.max(protocolsOf(ports).length, 1),
  (ports) => Math.max(ports.length, 1),
];

function expandKubernetes(known: KnownPolicy, direction: PolicyDirection, family: Family, fold: Fold): ExpandedRule[] {
  const rules = list(fields(known.object?.spec)[direction]);
  return rules.flatMap((rule, author) => {
    const peers = list(fields(rule)[direction === 'ingress' ? 'from' : 'to']);
    const each = (peers.length === 0 ? [undefined] : peers).map((peer) => peerApplies(peer, family));
    const times = fold(list(fields(rule)['ports']));
    return Array.from({ length: times }, () => each.map((applies) => ({ author, applies }))).flat();
  });
}

function calicoRuleApplies(rule: unknown, family: Family): boolean {
  const { ipVersion, protocol, source, destination } = fields(rule);
  if (ipVersion !== undefined && ipVersion !== (family === 'inet' ? 4 : 6)) return false;
  const name = typeof protocol === 'string' ? protocol.toLowerCase() : protocol;
  if ((name === 'icmpv6' || name === 58) && family === 'inet') return false;
  if ((name === 'icmp' || name === 1) && family === 'inet6') return false;
  return [source, destination].every((side) => anyOfFamily(list(fields(side)['nets']), family));
}

function expandCalico(known: KnownPolicy, direction: PolicyDirection, family: Family): ExpandedRule[] {
  const rules = list(fields(known.object?.spec)[direction]);
  return rules.map((rule, author) => ({ author, applies: calicoRuleApplies(rule, family) }));
}

/** Kinds whose rules Calico turns into several of its own, so that its index is not the author's. */
export function isExpanded(kind: string): boolean {
  return kind === 'NetworkPolicy' || kind.endsWith('AdminNetworkPolicy') || kind === 'ClusterNetworkPolicy';
}

/** The lists that Felix may have rendered for this policy, one per way in which versions expanded rules. */
function expansions(known: KnownPolicy, direction: PolicyDirection, family: Family): readonly ExpandedRule[][] {
  if (known.ref.kind === 'NetworkPolicy') {
    return FOLDS.map((fold) => expandKubernetes(known, direction, family, fold));
  }
  return isExpanded(known.ref.kind) ? [] : [expandCalico(known, direction, family)];
}

/** The bits a MARK rule sets, as text; undefined when it sets none. */
function setBits(rule: ChainRule): string | undefined {
  if (rule.target !== 'MARK') return undefined;
  const value = targetValue(ruleSyntax(rule.text), '--set-xmark')?.split('/')[0];
  return value === undefined || /^0x0+$/.test(value) ? undefined : value;
}

const FOLLOWERS = new Set(['RETURN', 'NFLOG', 'DROP', 'REJECT']);

/** A rule that only tests the bits the action before it has set, and ends or reports the packet. */
function follows(rule: ChainRule | undefined, bits: string): boolean {
  if (rule?.target === undefined || !FOLLOWERS.has(rule.target)) return false;
  const syntax = ruleSyntax(rule.text);
  const mark = matchOption(syntax, '--mark');
  return criteria(syntax).size === 1 && mark?.negated === false && mark.values[0] === `${bits}/${bits}`;
}

/** Lines of one API rule; `index` is the rule index that a log prefix among them names. */
interface RuleGroup {
  readonly positions: Set<number>;
  index: number | undefined;
}

function isAction(rule: ChainRule, next: ChainRule | undefined): boolean {
  if (rule.target === 'LOG' || rule.target === 'DROP' || rule.target === 'REJECT') return true;
  const bits = setBits(rule);
  return bits !== undefined && (next === undefined || follows(next, bits));
}

/**
 * Splits a policy chain into the lines of each API rule: helper lines that set scratch bits, one action line, and the
 * lines that test the bit it set.
 */
function groups(rules: readonly ChainRule[]): readonly RuleGroup[] {
  const found: RuleGroup[] = [];
  let helpers: number[] = [];
  let bits: string | undefined;
  for (const [i, rule] of rules.entries()) {
    const current = found.at(-1);
    if (current && bits !== undefined && follows(rule, bits)) {
      current.positions.add(rule.position);
      if (rule.target === 'NFLOG') current.index ??= prefixIndex(rule);
    } else if (isAction(rule, rules[i + 1])) {
      found.push({ positions: new Set([...helpers, rule.position]), index: undefined });
      helpers = [];
      bits = setBits(rule);
    } else helpers.push(rule.position);
  }
  return found;
}

function prefixIndex(rule: ChainRule): number | undefined {
  const prefix = targetValue(ruleSyntax(rule.text), '--nflog-prefix');
  const parsed = prefix === undefined ? undefined : parseNflogPrefix(prefix);
  return parsed?.index;
}

/** The author's rule for one of Calico's, by its index in Calico's list of v3.30 and later (older ones log no index). */
export function authorRule(known: KnownPolicy, direction: PolicyDirection, calicoIndex: number): number | undefined {
  const lists = expansions(known, direction, 'inet');
  return lists[0]?.[calicoIndex]?.author;
}

function alignedRule(
  known: KnownPolicy,
  direction: PolicyDirection,
  family: Family,
  place: number,
  total: number,
): number | undefined {
  const fitting = expansions(known, direction, family)
    .map((rules) => rules.filter((rule) => rule.applies))
    .filter((rules) => rules.length === total);
  const answers = new Set(fitting.map((rules) => rules[place]?.author));
  return answers.size === 1 ? [...answers][0] : undefined;
}

/**
 * Index of a chain rule in the author's `ingress` or `egress` list. A log prefix among the lines of the rule names it;
 * otherwise the lines are aligned with the policy's own rules, when their numbers agree. Undefined: it cannot be told.
 */
export function calicoRuleIndex(
  query: OwnerQuery,
  direction: PolicyDirection,
  known: KnownPolicy | undefined,
  kind: string | undefined,
): number | undefined {
  const { chain, rule, snapshot } = query;
  const all = groups(chain.rules);
  const place = rule ? all.findIndex((group) => group.positions.has(rule.position)) : -1;
  const group = all[place];
  if (!group) return undefined;
  if (known?.object) {
    if (group.index !== undefined) return authorRule(known, direction, group.index);
    return alignedRule(known, direction, snapshot.family, place, all.length);
  }
  return kind === undefined || isExpanded(kind) ? undefined : group.index;
}
