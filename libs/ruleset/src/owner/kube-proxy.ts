import type { ChainRule } from '@whydrop/model';
import { matchOption, ruleSyntax } from '../rule-syntax.js';
import { roleOfRule } from './rule-role.js';
import {
  roleOfTexts,
  ruleOwner,
  type OwnerQuery,
  type OwnerRole,
  type RuleOwner,
  type ServiceName,
} from './rule-owner.js';

const PLUGIN = 'kube-proxy';

const CHAIN_ROLES: readonly (readonly [RegExp, OwnerRole])[] = [
  [/^KUBE-(SVC|SVL|SEP|EXT|XLB|SERVICES|EXTERNAL-SERVICES|NODEPORTS|NODE-PORT)/, 'service'],
  [/^KUBE-(FW-|PROXY-FIREWALL$|SOURCE-RANGES-FIREWALL$)/, 'source-range'],
  [/^KUBE-(FORWARD|FIREWALL)$/, 'firewall'],
  [/^KUBE-MARK-(MASQ|DROP)$/, 'mark'],
  [/^KUBE-(POSTROUTING|LOAD-BALANCER)$/, 'nat'],
  [/^KUBE-(PROXY-CANARY|KUBELET-CANARY|IPTABLES-HINT|IPVS-\S+)$/, 'chain'],
];

const TEXT_ROLES: readonly (readonly [RegExp, OwnerRole])[] = [
  [/ has no endpoints$/, 'no-endpoints'],
  [/ has no local endpoints$/, 'no-local-endpoint'],
  [/ traffic not accepted by KUBE-FW-|^other traffic to \S+ will be dropped by KUBE-PROXY-FIREWALL$/, 'source-range'],
  [/^block incoming localnet connections$/, 'reverse-path'],
  [/^kubernetes firewall for dropping marked packets$/, 'shared-drop'],
];

/** `ns/name:port` at the beginning of a comment, or after `for`. */
function serviceOf(rule: ChainRule): ServiceName | undefined {
  for (const comment of rule.comments) {
    const match = /(?:^|[ "])([a-z0-9.-]+)\/([a-z0-9.-]+?)(?::([\w-]+))?(?= |$)/.exec(comment);
    if (match) return { namespace: match[1] ?? '', name: match[2] ?? '', port: match[3] };
  }
  return undefined;
}

function dropRole(rule: ChainRule, byChain: OwnerRole): OwnerRole | undefined {
  const ends = rule.target === 'DROP' || rule.target === 'KUBE-MARK-DROP';
  if (!ends) return undefined;
  const mark = matchOption(ruleSyntax(rule.text), '--mark')?.values[0];
  if (mark?.startsWith('0x8000') === true) return 'shared-drop';
  return byChain === 'source-range' ? 'source-range' : undefined;
}

/** Owner of what kube-proxy and kubelet wrote. Source: kubernetes/kubernetes `pkg/proxy/iptables/proxier.go`. */
export function kubeProxyOwner({ chain, rule }: OwnerQuery): RuleOwner | undefined {
  const byChain = CHAIN_ROLES.find(([pattern]) => pattern.test(chain.name))?.[1];
  if (!byChain) {
    const enters = rule?.target !== undefined && CHAIN_ROLES.some(([pattern]) => pattern.test(rule.target ?? ''));
    return enters ? ruleOwner(PLUGIN, 'entry') : undefined;
  }
  if (!rule) return ruleOwner(PLUGIN, byChain);
  const role = roleOfTexts(TEXT_ROLES, rule.comments) ?? dropRole(rule, byChain) ?? roleOfRule(rule) ?? byChain;
  return ruleOwner(PLUGIN, role, { service: serviceOf(rule) });
}
