import type { Chain, ChainRule, RulesetSnapshot } from '@whydrop/model';
import { criteria, ruleSyntax, targetValue, type RuleSyntax } from './rule-syntax.js';

/** A rule that reports packets, and what becomes of them in the same chain. */
export interface LogRule {
  readonly table: string;
  readonly chain: string;
  readonly rule: ChainRule;
  readonly channel: 'kernel-log' | 'nflog';
  readonly prefix: string;
  /** NFLOG group; undefined for LOG. */
  readonly group: number | undefined;
  /**
   * The first rule behind it in the chain that every logged packet matches and that ends its way there: DROP, REJECT,
   * ACCEPT, RETURN or a goto. Undefined: the chain ends first.
   */
  readonly endsAt: ChainRule | undefined;
  /** Rules between the two that end the packet when it matches more than the log rule asked for. */
  readonly mayEndAt: readonly ChainRule[];
}

const ENDS_CHAIN = new Set(['DROP', 'REJECT', 'ACCEPT', 'RETURN']);

function endsChain(rule: ChainRule): boolean {
  return rule.isGoto || (rule.target !== undefined && ENDS_CHAIN.has(rule.target));
}

/** Whether every packet that meets `wanted` also meets `given`: the criteria of `given` are among those of `wanted`. */
function isImplied(given: ReadonlySet<string>, wanted: ReadonlySet<string>): boolean {
  for (const text of given) if (!wanted.has(text)) return false;
  return true;
}

/** Whether no packet can meet both: one asks for what the other excludes, or they name different protocols. */
function excludes(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const text of a) {
    const opposite = text.includes(' ! ') ? text.replace(' ! ', ' ') : text.replace(' ', ' ! ');
    if (b.has(opposite)) return true;
    if (text.startsWith(' -p ') && [...b].some((other) => other.startsWith(' -p ') && other !== text)) return true;
  }
  return false;
}

function fate(chain: Chain, logged: ChainRule): Pick<LogRule, 'endsAt' | 'mayEndAt'> {
  const wanted = criteria(ruleSyntax(logged.text));
  const mayEndAt: ChainRule[] = [];
  for (const rule of chain.rules) {
    if (rule.position <= logged.position || !endsChain(rule)) continue;
    const given = criteria(ruleSyntax(rule.text));
    if (isImplied(given, wanted)) return { endsAt: rule, mayEndAt };
    if (!excludes(given, wanted)) mayEndAt.push(rule);
  }
  return { endsAt: undefined, mayEndAt };
}

/** Prefix of a LOG or NFLOG rule; '' when it has none. */
function prefixOf(rule: ChainRule, syntax: RuleSyntax): string {
  return targetValue(syntax, rule.target === 'LOG' ? '--log-prefix' : '--nflog-prefix') ?? '';
}

function logRule(table: string, chain: Chain, rule: ChainRule): LogRule {
  const syntax = ruleSyntax(rule.text);
  const isNflog = rule.target === 'NFLOG';
  return {
    table,
    chain: chain.name,
    rule,
    channel: isNflog ? 'nflog' : 'kernel-log',
    prefix: prefixOf(rule, syntax),
    group: isNflog ? Number(targetValue(syntax, '--nflog-group') ?? 0) : undefined,
    ...fate(chain, rule),
  };
}

const known = new WeakMap<RulesetSnapshot, readonly LogRule[]>();

/** Every LOG and NFLOG rule of a snapshot. */
function logRules(snapshot: RulesetSnapshot): readonly LogRule[] {
  const found = known.get(snapshot) ?? readLogRules(snapshot);
  known.set(snapshot, found);
  return found;
}

function readLogRules(snapshot: RulesetSnapshot): readonly LogRule[] {
  return snapshot.tables.flatMap((table) =>
    table.chains.flatMap((chain) =>
      chain.rules
        .filter((rule) => rule.target === 'LOG' || rule.target === 'NFLOG')
        .map((rule) => logRule(table.name, chain, rule)),
    ),
  );
}

/**
 * The rules that can have written a record with this prefix; with a group only NFLOG rules of that group. Some sources cut
 * trailing blanks, so when no rule has exactly this prefix those that differ only there are returned. Several rules may
 * share a prefix: interfaces, family and the walk tell them apart.
 */
export function rulesWithPrefix(snapshot: RulesetSnapshot, prefix: string, group?: number): readonly LogRule[] {
  const inGroup = logRules(snapshot).filter((rule) => group === undefined || rule.group === group);
  const exact = inGroup.filter((rule) => rule.prefix === prefix);
  return exact.length > 0 ? exact : inGroup.filter((rule) => rule.prefix.trimEnd() === prefix.trimEnd());
}
