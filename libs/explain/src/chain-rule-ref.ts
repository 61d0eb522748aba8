import type { ChainRule, ChainRuleRef, Family } from '@whydrop/model';
import type { RuleOwner } from '@whydrop/ruleset';

/** Which of a node's two rulesets judges an address: iptables or ip6tables. */
export function familyOf(ip: string): Family {
  return ip.includes(':') ? 'inet6' : 'inet';
}

/** A rule with its place, as answers cite it. */
export function chainRuleRef(
  node: string,
  table: string,
  chain: string,
  rule: Pick<ChainRule, 'position' | 'text'>,
  owner: RuleOwner | undefined,
): ChainRuleRef {
  return { node, table, chain, position: rule.position, text: rule.text, owner };
}
