import { readFileSync } from 'node:fs';
import { PORTS, type RulesetPlan } from './rulesets.js';
import { HOSTS, INTERFACES } from './topology.js';

const TRACE = `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING ! -i lo -j TRACE
-A OUTPUT -m ttl --ttl-eq 77 -j TRACE
COMMIT
`;

/** Empty tables, so that nothing of the ruleset before stays. */
const EMPTY = ['nat', 'mangle']
  .map((table) => `*${table}\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n`)
  .join('');

function capture(name: string): string {
  return readFileSync(new URL(`../../libs/ruleset/testdata/${name}.txt`, import.meta.url), 'utf8');
}

/** Gives the addresses of a captured ruleset the places that hosts of the test network have. */
class Renamer {
  readonly #known = new Map<string, string>();

  #host(text: string): string {
    const known = this.#known.get(text);
    if (known) return known;
    const count = this.#known.size;
    const fresh = `${INTERFACES[(count + 1) % INTERFACES.length]?.net}.${HOSTS[count % HOSTS.length]}`;
    this.#known.set(text, fresh);
    return fresh;
  }

  rename(text: string): string {
    return text.replace(
      /\b(\d{1,3}(?:\.\d{1,3}){3})(\/\d+)?/g,
      (whole, address: string, prefix: string | undefined) => {
        if (address.startsWith('224.') || address === '0.0.0.0') return whole;
        if (prefix === undefined || prefix === '/32') return `${this.#host(address)}${prefix ?? ''}`;
        return `${this.#host(address).replace(/\d+$/, '0')}/${Math.max(Number(prefix.slice(1)), 16)}`;
      },
    );
  }
}

function captured(rules: string, sets: string, isBridged = false): RulesetPlan {
  const renamer = new Renamer();
  const ports = [...PORTS, 5432, 9187, 8080];
  return {
    family: 'inet',
    sets: renamer.rename(capture(sets)),
    rules: `${TRACE}${EMPTY}${renamer.rename(capture(rules))}`,
    ports,
    isBridged,
  };
}

/** An endpoint chain as Felix writes it; `deny` is one DROP per rule up to v3.29, a mark and two lines from v3.30 on. */
function endpoint(chain: string, policies: readonly string[], isRecent: boolean): string {
  const tier = isRecent ? 'Start of tier default' : 'Start of policies';
  const end = isRecent ? 'End of tier default. Drop if no policies passed packet' : 'Drop if no policies passed packet';
  const rule = (text: string) => `-A ${chain} ${text}`;
  return [
    rule('-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'),
    rule('-m conntrack --ctstate INVALID -j DROP'),
    rule('-j MARK --set-xmark 0x0/0x30000'),
    rule(`-m comment --comment "${tier}" -j MARK --set-xmark 0x0/0x20000`),
    ...policies.flatMap((policy) => [
      rule(`-m mark --mark 0x0/0x20000 -j ${policy}`),
      rule('-m comment --comment "Return if policy accepted" -m mark --mark 0x10000/0x10000 -j RETURN'),
    ]),
    ...(isRecent ? [rule('-m mark --mark 0x0/0x20000 -j NFLOG --nflog-prefix "DPI|default" --nflog-group 1')] : []),
    rule(`-m comment --comment "${end}" -m mark --mark 0x0/0x20000 -j DROP`),
    rule('-j cali-pri-kns.prod'),
    rule('-m comment --comment "Return if profile accepted" -m mark --mark 0x10000/0x10000 -j RETURN'),
    rule('-m comment --comment "Drop if no profiles matched" -j DROP'),
  ].join('\n');
}

function denyLines(chain: string, match: string, isRecent: boolean): string {
  if (!isRecent) return `-A ${chain} ${match} -j DROP`;
  return [
    `-A ${chain} ${match} -j MARK --set-xmark 0x40000/0x40000`,
    `-A ${chain} -m mark --mark 0x40000/0x40000 -j NFLOG --nflog-prefix "DPI0|np/prod/lock" --nflog-group 1`,
    `-A ${chain} -m mark --mark 0x40000/0x40000 -j DROP`,
  ].join('\n');
}

function calico(isRecent: boolean): RulesetPlan {
  const allow = (chain: string, match: string) =>
    `-A ${chain} ${match} -j MARK --set-xmark 0x10000/0x10000\n-A ${chain} -m mark --mark 0x10000/0x10000 -j RETURN`;
  const chains = [
    'cali-FORWARD',
    'cali-from-wl-dispatch',
    'cali-to-wl-dispatch',
    'cali-fw-a0',
    'cali-tw-b0',
    'cali-tw-b1',
  ];
  const policies = ['cali-pi-np/prod/lock', 'cali-pi-knp/prod/web', 'cali-po-knp/prod/web', 'cali-pri-kns.prod'];
  const rules = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
${[...chains, ...policies].map((name) => `:${name} - [0:0]`).join('\n')}
-A FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD
-A FORWARD -m comment --comment "Policy explicitly accepted packet." -m mark --mark 0x10000/0x10000 -j ACCEPT
-A cali-FORWARD -j MARK --set-xmark 0x0/0xe0000
-A cali-FORWARD -i a+ -j cali-from-wl-dispatch
-A cali-FORWARD -o b+ -j cali-to-wl-dispatch
-A cali-from-wl-dispatch -i a0 -g cali-fw-a0
-A cali-from-wl-dispatch -m comment --comment "Unknown interface" -j DROP
-A cali-to-wl-dispatch -o b0 -g cali-tw-b0
-A cali-to-wl-dispatch -o b1 -g cali-tw-b1
-A cali-to-wl-dispatch -m comment --comment "Unknown interface" -j DROP
${endpoint('cali-fw-a0', ['cali-po-knp/prod/web'], isRecent)}
${endpoint('cali-tw-b0', ['cali-pi-np/prod/lock', 'cali-pi-knp/prod/web'], isRecent)}
${endpoint('cali-tw-b1', ['cali-pi-knp/prod/web'], isRecent)}
${denyLines('cali-pi-np/prod/lock', '-m set --match-set cali40s:bad src', isRecent)}
${allow('cali-pi-knp/prod/web', '-p tcp -m set --match-set cali40s:good src -m multiport --dports 80,443,8080:8090')}
${allow('cali-pi-knp/prod/web', '-p udp -m set --match-set cali40n:dns dst,dst')}
${allow('cali-po-knp/prod/web', '-p udp -m multiport --dports 53')}
${allow('cali-po-knp/prod/web', '-d 10.2.0.0/16 -p tcp')}
-A cali-pri-kns.prod -j MARK --set-xmark 0x10000/0x10000
-A cali-pri-kns.prod -m mark --mark 0x10000/0x10000 -j RETURN
COMMIT
`;
  const sets = `create cali40s:bad hash:net
add cali40s:bad 10.1.0.2
add cali40s:bad 10.3.0.0/30
create cali40s:good hash:net
add cali40s:good 10.1.0.0/24
add cali40s:good 10.1.0.5 nomatch
create cali40n:dns hash:ip,port
add cali40n:dns 10.2.0.3,udp:53
add cali40n:dns 10.3.0.4,udp:53
`;
  return {
    family: 'inet',
    rules: `${TRACE}${EMPTY}${rules}`,
    sets,
    ports: [53, 80, 443, 8080, 5432],
    isBridged: false,
  };
}

/** kube-proxy: services with one, two and no endpoints, a load balancer with source ranges. */
function kubeProxy(): RulesetPlan {
  const rules = `*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-ONE - [0:0]
:KUBE-SVC-TWO - [0:0]
:KUBE-SEP-A - [0:0]
:KUBE-SEP-B - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m comment --comment "shop/one cluster IP" -m tcp --dport 80 -j KUBE-SVC-ONE
-A KUBE-SERVICES -d 10.96.0.2/32 -p tcp -m comment --comment "shop/two cluster IP" -m tcp --dport 443 -j KUBE-SVC-TWO
-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-NODEPORTS -p tcp -m comment --comment shop/one -m tcp --dport 30080 -j KUBE-SVC-ONE
-A KUBE-SVC-ONE ! -s 10.2.0.0/16 -m comment --comment shop/one -j KUBE-MARK-MASQ
-A KUBE-SVC-ONE -m comment --comment "shop/one -> 10.2.0.3:8080" -j KUBE-SEP-A
-A KUBE-SVC-TWO -m comment --comment shop/two -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-A
-A KUBE-SVC-TWO -m comment --comment shop/two -j KUBE-SEP-B
-A KUBE-SEP-A -s 10.2.0.3/32 -m comment --comment shop/one -j KUBE-MARK-MASQ
-A KUBE-SEP-A -p tcp -m comment --comment shop/one -m tcp -j DNAT --to-destination 10.2.0.3:8080
-A KUBE-SEP-B -p tcp -m comment --comment shop/two -m tcp -j DNAT --to-destination 10.3.0.4:8443
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-FIREWALL - [0:0]
-A INPUT -j KUBE-FIREWALL
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -j KUBE-FIREWALL
-A FORWARD -s 10.1.0.0/24 -d 10.2.0.0/16 -j ACCEPT
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m comment --comment "shop/none has no endpoints" -m tcp --dport 443 -j REJECT --reject-with icmp-port-unreachable
-A KUBE-SERVICES -d 10.96.0.2/32 -p udp -m comment --comment "shop/dns has no endpoints" -j REJECT --reject-with icmp-port-unreachable
-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
COMMIT
`;
  return { family: 'inet', rules: `${TRACE}${rules}`, sets: '', ports: [80, 443, 30_080, 53], isBridged: false };
}

function plain(): RulesetPlan {
  const rules = `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:LOGDROP - [0:0]
:SERVERS - [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m multiport --dports 22,443 -j ACCEPT
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -m conntrack --ctstate INVALID -j LOGDROP
-A FORWARD -o b+ -j SERVERS
-A FORWARD -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A SERVERS -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW -j LOGDROP
-A SERVERS -s 10.1.0.0/29 -p tcp -m tcp --dport 5432 -j ACCEPT
-A SERVERS -p udp -m udp --dport 53 -j RETURN
-A SERVERS -p tcp -j REJECT --reject-with tcp-reset
-A LOGDROP -m limit --limit 5/min -j LOG --log-prefix "drop: "
-A LOGDROP -j DROP
COMMIT
`;
  return { family: 'inet', rules: `${TRACE}${EMPTY}${rules}`, sets: '', ports: [22, 53, 443, 5432], isBridged: false };
}

/** A ruleset in the shape of each plugin. */
export function dialects(): Readonly<Record<string, RulesetPlan>> {
  return {
    'Calico up to v3.29': calico(false),
    'Calico v3.30 and later': calico(true),
    'kube-router up to v2.10': captured('kube-router-iptables-save-c-old-comments', 'kube-router-ipset-save'),
    'kube-router v2.11 and later': captured('kube-router-iptables-save-c-new-comments', 'kube-router-ipset-save'),
    'Weave NPC': captured('weave-iptables-save-c-after-egress-drop', 'weave-ipset-save', true),
    'Azure NPM': captured('azure-npm-iptables-save-c-after', 'azure-npm-ipset-save'),
    'kube-proxy': kubeProxy(),
    'plain host': plain(),
  };
}
