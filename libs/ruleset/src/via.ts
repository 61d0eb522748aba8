import type { ChainRule, RulesetSnapshot } from '@whydrop/model';
import { findChain } from './chain-lookup.js';
import { criteria, ruleSyntax, targetValue } from './rule-syntax.js';

/** A visited rule; `rule` is undefined for a chain policy. */
export interface Visited {
  readonly table: string;
  readonly chain: string;
  readonly rule: ChainRule | undefined;
}

function bitsOf(text: string | undefined): number {
  const value = Number(text?.split('/')[0] ?? 0);
  return Number.isNaN(value) ? 0 : value >>> 0;
}

const asked = new WeakMap<ChainRule, number>();

/** The mark bits a rule asks for when it asks for nothing else; 0 otherwise. */
function askedBits(rule: ChainRule): number {
  const known = asked.get(rule);
  if (known !== undefined) return known;
  const bits = readAskedBits(rule);
  asked.set(rule, bits);
  return bits;
}

function readAskedBits(rule: ChainRule): number {
  const syntax = ruleSyntax(rule.text);
  const options = syntax.matches.flatMap(({ module, options: own }) => (module === 'mark' ? own : []));
  const [one] = options;
  if (options.length !== 1 || criteria(syntax).size !== 1 || one?.negated) return 0;
  return bitsOf(one?.values[0]);
}

function setsBits(rule: ChainRule | undefined, bits: number): boolean {
  if (rule?.target !== 'MARK') return false;
  const set = bitsOf(
    targetValue(ruleSyntax(rule.text), '--set-xmark') ?? targetValue(ruleSyntax(rule.text), '--or-mark'),
  );
  return (set & bits) >>> 0 === bits;
}

const ENDS = new Set(['DROP', 'REJECT', 'LOG', 'NFLOG']);

/** A chain that only reports and ends packets: LOGDROP and the like. */
function onlyEnds(snapshot: RulesetSnapshot, { table, chain }: Visited): boolean {
  const rules = findChain(snapshot, table, chain)?.rules ?? [];
  return rules.length > 0 && rules.every(({ target }) => target === undefined || ENDS.has(target));
}

/** Whether a rule says nothing by itself, so that the rule before it has to be told: asks for a mark, or only ends. */
export function restsOnAnother(snapshot: RulesetSnapshot, last: Visited): boolean {
  if (!last.rule) return false;
  return askedBits(last.rule) !== 0 || onlyEnds(snapshot, last);
}

/**
 * The rule that sent a packet to the one that ended it, where that one says nothing by itself: the MARK that a
 * DROP-on-mark asks for, or the jump into a chain that only logs and drops. `way` is the packet's, its end last.
 */
export function viaOf<Step extends Visited>(snapshot: RulesetSnapshot, way: readonly Step[]): Step | undefined {
  const last = way.at(-1);
  if (!last?.rule) return undefined;
  const before = way.slice(0, -1);
  const bits = askedBits(last.rule);
  if (bits !== 0) return before.findLast((step) => step.table === last.table && setsBits(step.rule, bits));
  const entered = before.findLast((step) => step.table === last.table && step.rule?.target === last.chain);
  return entered && onlyEnds(snapshot, last) ? entered : undefined;
}
