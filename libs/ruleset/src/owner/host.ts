import { roleOfRule } from './rule-role.js';
import { ruleOwner, type OwnerQuery, type OwnerRole, type RuleOwner } from './rule-owner.js';

/** Chains of software that has no policies: who writes them and what for. */
const CHAINS: readonly (readonly [RegExp, string, OwnerRole])[] = [
  [/^DOCKER-ISOLATION-STAGE-\d$/, 'docker', 'isolation'],
  [/^DOCKER(-|$)/, 'docker', 'chain'],
  [/^ufw6?-/, 'ufw', 'firewall'],
  [
    /^((INPUT|FORWARD|OUTPUT|PREROUTING|POSTROUTING)_(direct|ZONES|ZONES_SOURCE|POLICIES_(pre|post)|IN_ZONES|OUT_ZONES|.*_ZONES(_SOURCE)?)|(IN|FWD|FWDI|FWDO|PRE|POST)_\w+)$/,
    'firewalld',
    'firewall',
  ],
  [/^CNI-/, 'cni', 'chain'],
  [/^FLANNEL-/, 'flannel', 'chain'],
  [/^(OLD_)?CILIUM_/, 'cilium', 'chain'],
  [/^ANTREA-/, 'antrea', 'chain'],
  [/^IP-MASQ/, 'ip-masq-agent', 'nat'],
  [/^LIBVIRT_/, 'libvirt', 'chain'],
  [/^f2b-/, 'fail2ban', 'firewall'],
  [/^AWS-(SNAT|CONNMARK)/, 'aws-vpc-cni', 'nat'],
];

function softwareOf(name: string): readonly [string, OwnerRole] | undefined {
  const found = CHAINS.find(([pattern]) => pattern.test(name));
  return found && [found[1], found[2]];
}

/** Owner of everything no plugin claims: other software by its chain names, else the host's administrator. */
export function hostOwner({ chain, rule }: OwnerQuery): RuleOwner {
  const own = softwareOf(chain.name);
  const role = rule && roleOfRule(rule);
  if (own) return ruleOwner(own[0], role ?? own[1]);
  const entered = rule?.target === undefined ? undefined : softwareOf(rule.target);
  if (entered) return ruleOwner(entered[0], 'entry');
  return ruleOwner('host', role ?? 'firewall');
}
