import type { Chain, ChainRule, RulesetSnapshot } from '@whydrop/model';
import { parseRuleText } from './rule-syntax.js';

const RULE = /^(?:\[(\d+):(\d+)\] )?(-A (\S+)(?: .*)?)$/;
const CHAIN = /^:(\S+) (ACCEPT|DROP|-)(?: \[(\d+):(\d+)\])?$/;

function counter(packets: string | undefined, bytes: string | undefined) {
  return packets === undefined ? undefined : { packets: BigInt(packets), bytes: BigInt(bytes ?? '0') };
}

function ruleOf(text: string, position: number, packets?: string, bytes?: string): ChainRule {
  const syntax = parseRuleText(text);
  const comments = syntax.matches.flatMap((match) =>
    match.options.filter((option) => option.name === '--comment').map((option) => option.values[0] ?? ''),
  );
  const { target, isGoto } = syntax;
  return { position, text, target, isGoto, comments, counter: counter(packets, bytes) };
}

/** A snapshot from the text of an iptables-save, for the tests of this room. */
export function snapshotOf(text: string, family: RulesetSnapshot['family'] = 'inet'): RulesetSnapshot {
  const tables: { name: string; chains: (Omit<Chain, 'rules'> & { rules: ChainRule[] })[] }[] = [];
  for (const line of text.split('\n').map((raw) => raw.trim())) {
    const table = tables.at(-1);
    if (line.startsWith('*')) tables.push({ name: line.slice(1), chains: [] });
    const chain = CHAIN.exec(line);
    if (chain && table) {
      const policy = chain[2] === 'ACCEPT' || chain[2] === 'DROP' ? chain[2] : undefined;
      table.chains.push({ name: chain[1] ?? '', policy, counter: counter(chain[3], chain[4]), rules: [] });
    }
    const rule = RULE.exec(line);
    const owner = rule && table?.chains.find(({ name }) => name === rule[4]);
    if (rule && owner) owner.rules.push(ruleOf(rule[3] ?? '', owner.rules.length + 1, rule[1], rule[2]));
  }
  return { kind: 'ruleset', observedAt: 0, family, backend: 'nft', otherBackendPresent: false, tables };
}
