import { ruleSyntax, type RuleMatch } from '../rule-syntax.js';
import { ALWAYS, type Criterion } from './criterion.js';
import { basicCriteria, transportCriteria } from './match-basic.js';
import { conntrackCriteria, connmarkCriteria, markCriteria } from './match-conntrack.js';
import { otherCriteria } from './match-other.js';
import { setCriteria } from './match-set.js';
import { effectOf, type Effect } from './targets.js';

/** A rule made ready to be asked. */
export interface CompiledRule {
  readonly criteria: readonly Criterion[];
  readonly effect: Effect;
}

type CompileMatch = (match: RuleMatch) => readonly (Criterion | undefined)[];

const MODULES: Readonly<Record<string, CompileMatch>> = {
  '': basicCriteria,
  tcp: transportCriteria,
  udp: transportCriteria,
  udplite: transportCriteria,
  sctp: transportCriteria,
  dccp: transportCriteria,
  multiport: transportCriteria,
  icmp: transportCriteria,
  icmp6: transportCriteria,
  icmpv6: transportCriteria,
  conntrack: conntrackCriteria,
  state: conntrackCriteria,
  mark: markCriteria,
  connmark: connmarkCriteria,
  set: setCriteria,
};

/** Stands for an option that is not understood: nothing decides it. */
function notUnderstood(match: RuleMatch): Criterion {
  const text = match.options.map(({ name, values }) => [name, ...values].join(' ')).join(' ');
  return {
    text: `${match.module} ${text}`.trim(),
    isFact: true,
    missing: `what ${text} tests`,
    test: () => undefined,
  };
}

function criteriaOf(match: RuleMatch): readonly Criterion[] {
  const compile = MODULES[match.module] ?? otherCriteria;
  return compile(match)
    .map((criterion) => criterion ?? notUnderstood(match))
    .filter((criterion) => criterion !== ALWAYS);
}

const CACHE_LIMIT = 200_000;
const cache = new Map<string, CompiledRule>();

/** Compiles a rule text, once per text: nodes of a cluster and snapshots of a node share most of them. */
export function compileRule(text: string): CompiledRule {
  const known = cache.get(text);
  if (known) return known;
  const syntax = ruleSyntax(text);
  const compiled = { criteria: syntax.matches.flatMap(criteriaOf), effect: effectOf(syntax) };
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(text, compiled);
  return compiled;
}
