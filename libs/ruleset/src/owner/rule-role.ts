import type { ChainRule } from '@whydrop/model';
import { matchOption, ruleSyntax } from '../rule-syntax.js';
import type { OwnerRole } from './rule-owner.js';

/** Roles that show in a rule's matches and target, whoever wrote it and whatever it says of itself. */
export function roleOfRule(rule: ChainRule): OwnerRole | undefined {
  if (rule.target === 'LOG' || rule.target === 'NFLOG') return 'log';
  const syntax = ruleSyntax(rule.text);
  const states = (matchOption(syntax, '--ctstate') ?? matchOption(syntax, '--state'))?.values[0]?.split(',') ?? [];
  if (states.includes('INVALID') && rule.target !== 'ACCEPT') return 'conntrack-invalid';
  if (states.includes('ESTABLISHED') && rule.target === 'ACCEPT') return 'established-accept';
  if (syntax.matches.some(({ module }) => module === 'rpfilter')) return 'reverse-path';
  if (rule.target === 'MARK' || rule.target === 'CONNMARK') return 'mark';
  if (rule.target !== undefined && /^(DNAT|SNAT|MASQUERADE|REDIRECT|NETMAP)$/.test(rule.target)) return 'nat';
  const limits = syntax.matches.some(({ module }) => module === 'connlimit' || module === 'hashlimit');
  return limits && (rule.target === 'DROP' || rule.target === 'REJECT') ? 'rate-limit' : undefined;
}
