import type { Drop } from '@whydrop/model';
import type { Answers, Look } from './evidence.js';
import type { KnownAttempt } from './truth.js';

/** How the answers to one look compare with what is known. All of these can be added up. */
export interface Score {
  readonly attempts: number;
  /** Attempts that a rule stopped. */
  readonly dropped: number;
  /** Drops that were told. */
  readonly reported: number;
  /** Attempts that a rule stopped and that were told; telling one twice does not count. */
  readonly found: number;
  readonly causes: Ratio;
  readonly policies: Ratio;
  readonly rules: Ratio;
  /** Stopped packets by the kernel's trace, and those of them that no rule counter had; packets without an address. */
  readonly packets: number;
  readonly unaccounted: number;
  readonly countedOnly: number;
  readonly undecided: number;
  /** UNDECIDED that names nothing that is missing. */
  readonly unnamed: number;
  readonly wrong: readonly string[];
}

export interface Ratio {
  readonly right: number;
  readonly of: number;
}

const isDrop = ({ explanation: { verdict } }: Drop): boolean => verdict === 'dropped' || verdict === 'rejected';

/** Seconds between what the client and the first witness stamped; a clock may be two seconds off. */
const APART = 4;

function isSame(drop: Drop, { truth, at }: KnownAttempt): boolean {
  if (drop.protocol !== truth.protocol || Math.abs(drop.firstSeenAt / 1_000_000 - at) > APART) return false;
  const { seen } = truth;
  const to = [drop.destination.ip, drop.original?.destination];
  if (!to.includes(truth.destinationIp) && drop.destination.ip !== seen?.destination) return false;
  if (drop.protocol === 'ICMP') return drop.source.ip === truth.sourceIp;
  if (drop.source.ip === truth.sourceIp && drop.sourcePort === truth.sourcePort) return true;
  // Where SNAT stood between and the first node's word is missing, the translated client is all that can be told.
  return seen != null && drop.source.ip === seen.source && drop.sourcePort === seen.sourcePort;
}

interface Match {
  readonly drop: Drop;
  readonly known: KnownAttempt | undefined;
}

function matched(drops: readonly Drop[], attempts: readonly KnownAttempt[]): readonly Match[] {
  return drops.map((drop) => {
    const same = attempts.filter((known) => isSame(drop, known));
    const distance = ({ at }: KnownAttempt) => Math.abs(drop.firstSeenAt / 1_000_000 - at);
    return { drop, known: same.toSorted((a, b) => distance(a) - distance(b))[0] };
  });
}

const sameList = (a: readonly string[], b: readonly string[]): boolean => a.join() === b.join();

function namedPolicies({ explanation }: Drop, part: 'denies' | 'isolates'): readonly string[] {
  const parts = explanation.policies.filter((policy) => policy.part === part);
  return [...new Set(parts.map(({ namespace, name }) => `${namespace ?? ''}/${name}`))].toSorted();
}

function causeIsRight({ explanation }: Drop, { cause, denial }: KnownAttempt): boolean {
  return explanation.cause === cause && (explanation.direction ?? undefined) === denial?.direction;
}

function policyIsRight(drop: Drop, { denial }: KnownAttempt): boolean {
  if (!denial) return drop.explanation.policies.length === 0;
  const part = denial.cause === 'POLICY_EXPLICIT_DENY' ? 'denies' : 'isolates';
  return sameList(namedPolicies(drop, part), denial.policies);
}

function ruleIsRight({ explanation: { chainRule } }: Drop, { truth }: KnownAttempt): boolean {
  const same = chainRule?.node === truth.node && chainRule?.table === truth.table && chainRule.chain === truth.chain;
  return same && chainRule?.text.trim() === truth.rule?.trim();
}

function told({ drop, known }: Match): string {
  const { cause, verdict, chainRule, policies, direction } = drop.explanation;
  const answer = `${verdict} ${cause} ${direction ?? ''} [${policies.map((p) => `${p.part} ${p.namespace ?? ''}/${p.name}`).join(', ')}] ${chainRule?.node ?? ''} ${chainRule?.text ?? ''}`;
  const truth = known?.truth;
  const was = truth
    ? `${truth.outcome} ${known.cause ?? ''} ${known.denial?.direction ?? ''} [${known.denial?.policies.join(', ') ?? ''}] ${truth.node ?? ''} ${truth.rule ?? ''}`
    : 'no such attempt';
  const from = `${drop.source.label}:${drop.sourcePort ?? ''}`;
  return `${from} -> ${drop.destination.label}:${drop.destinationPort ?? ''}/${drop.protocol}: ${answer}; it was ${was}`;
}

/** What is wrong with an answer; undefined: it is right as far as it goes. */
function fault(match: Match, isTwice: boolean): string | undefined {
  const { drop, known } = match;
  const { verdict, cause, chainRule, basis } = drop.explanation;
  if (isDrop(drop)) {
    if (!known?.stopped) return 'invented';
    if (isTwice) return 'told twice';
    // Policies do not say whether the plugin drops or rejects.
    if (basis !== 'derived' && verdict !== known.truth.outcome) return 'verdict';
    if (cause === 'UNDECIDED') return undefined;
    if (!causeIsRight(drop, known)) return 'cause';
    if (!policyIsRight(drop, known)) return 'policy';
    return chainRule && !ruleIsRight(drop, known) ? 'rule' : undefined;
  }
  if (cause === 'UNDECIDED') return undefined;
  if (verdict !== 'failed') return `verdict ${verdict}`;
  if (!known) return 'invented';
  if (known.truth.outcome === 'failed') return known.cause === undefined || known.cause === cause ? undefined : 'cause';
  // That a Service has no endpoints is the cause, whether a node rejects for it or the packet is lost.
  return known.stopped && known.cause === cause ? undefined : 'said to have failed';
}

function packetsByRule(attempts: readonly KnownAttempt[], missing: readonly string[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { truth } of attempts) {
    const { node, table, chain, rule, packets } = truth;
    for (const stop of [{ node, table, chain, rule, packets }, ...truth.others]) {
      if (stop.node === null || missing.includes(stop.node)) continue;
      const key = `${stop.node} ${stop.table} ${stop.rule}`;
      sums.set(key, (sums.get(key) ?? 0) + stop.packets);
    }
  }
  return sums;
}

function unaccounted(attempts: readonly KnownAttempt[], { counted }: Answers, missing: readonly string[]): number {
  const have = new Map<string, number>();
  for (const { facts, packets } of counted) {
    const key = `${facts.node} ${facts.chainRule?.table} ${facts.chainRule?.text}`;
    have.set(key, (have.get(key) ?? 0) + Number(packets));
  }
  return [...packetsByRule(attempts, missing)].reduce(
    (sum, [rule, packets]) => sum + Math.max(0, packets - (have.get(rule) ?? 0)),
    0,
  );
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, each) => total + each, 0);

function ratio(items: readonly Match[], isRight: (drop: Drop, known: KnownAttempt) => boolean): Ratio {
  const right = items.filter(({ drop, known }) => known && isRight(drop, known));
  return { right: right.length, of: items.length };
}

/** Holds the answers to one look against what is known of every attempt. */
export function scoreOf(
  attempts: readonly KnownAttempt[],
  answers: Answers,
  { without, level, disorder }: Look,
): Score {
  const all = matched(answers.drops, attempts);
  const drops = all.filter(({ drop }) => isDrop(drop));
  const real = drops.filter(({ known }) => known?.stopped);
  const first = real.filter((match, at) => real.findIndex(({ known }) => known === match.known) === at);
  const decided = first.filter(({ drop }) => drop.explanation.cause !== 'UNDECIDED');
  const undecided = all.filter(({ drop }) => drop.explanation.cause === 'UNDECIDED');
  const missing = without.nodes ?? [];
  // Where everything was traced, an answer without the rule is one that lacks it.
  const isFull = level === 'trace' && disorder !== 'missing';
  const faults = all.flatMap((match) => {
    const what = fault(match, real.includes(match) && !first.includes(match));
    return what === undefined ? [] : [`${what}: ${told(match)}`];
  });
  return {
    attempts: attempts.length,
    dropped: attempts.filter(({ stopped }) => stopped).length,
    reported: drops.length,
    found: first.length,
    causes: ratio(decided, causeIsRight),
    policies: ratio(decided, policyIsRight),
    rules: ratio(
      decided.filter(({ drop }) => isFull || drop.explanation.chainRule),
      ruleIsRight,
    ),
    packets: sum(packetsByRule(attempts, missing).values()),
    unaccounted: level === 'policies' ? 0 : unaccounted(attempts, answers, missing),
    countedOnly: sum(answers.counted.map(({ packets, attributed }) => Number(packets - attributed))),
    undecided: undecided.length,
    unnamed: undecided.filter(({ drop }) => drop.explanation.missing.length === 0).length,
    wrong: faults,
  };
}
