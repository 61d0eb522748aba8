import { rulesWithPrefix } from './log.js';
import { snapshotOf } from './ruleset-fixture.js';

function fates(rules: string, prefix: string, group?: number): readonly string[] {
  const snapshot = snapshotOf(`*filter\n:X -\n${rules}\nCOMMIT`);
  return rulesWithPrefix(snapshot, prefix, group).map(
    ({ rule, endsAt, mayEndAt }) =>
      `${rule.position} ends at ${endsAt?.position} may at ${mayEndAt.map((r) => r.position).join()}`,
  );
}

describe('rulesWithPrefix', () => {
  it('finds the DROP behind a rate-limited log', () => {
    const rules = `-A X -m limit --limit 20/sec --limit-burst 50 -m comment --comment a -j LOG --log-prefix "IN-DROP: "
      -A X -m comment --comment b -j NFLOG --nflog-prefix "prod/deny" --nflog-group 100
      -A X -m comment --comment c -j DROP`;
    expect(fates(rules, 'IN-DROP: ')).toEqual(['1 ends at 3 may at ']);
    expect(fates(rules, 'prod/deny', 100)).toEqual(['2 ends at 3 may at ']);
    expect(fates(rules, 'prod/deny', 7)).toEqual([]);
  });

  it('takes the rule with the same match, and names those that may come between', () => {
    const rules = `-A X -p tcp -j LOG --log-prefix "[cache] "
      -A X -p udp -j LOG --log-prefix "[cache] "
      -A X -p tcp -m tcp --dport 22 -j ACCEPT
      -A X -p tcp -j REJECT --reject-with tcp-reset
      -A X -j REJECT`;
    expect(fates(rules, '[cache] ')).toEqual(['1 ends at 4 may at 3', '2 ends at 5 may at ']);
  });

  it('a logged packet that is accepted next was not dropped', () => {
    expect(fates('-A X -s 10.0.0.1/32 -j LOG --log-prefix A\n-A X -j ACCEPT\n-A X -j DROP', 'A')).toEqual([
      '1 ends at 2 may at ',
    ]);
  });

  it('a negated match is another match', () => {
    const rules = `-A X -m mark ! --mark 0x10000/0x10000 -m limit --limit 10/min -j NFLOG --nflog-group 100
      -A X -m mark --mark 0x10000/0x10000 -j RETURN
      -A X -m mark ! --mark 0x10000/0x10000 -j REJECT --reject-with icmp-port-unreachable`;
    expect(fates(rules, '', 100)).toEqual(['1 ends at 3 may at ']);
  });

  it('forgives trailing blanks that a reader cut', () => {
    expect(fates('-A X -j LOG --log-prefix "DENY: "\n-A X -j DROP', 'DENY:')).toEqual(['1 ends at 2 may at ']);
  });

  it('a log at the end of its chain has no known end there', () => {
    expect(fates('-A X -j LOG --log-prefix "x"', 'x')).toEqual(['1 ends at undefined may at ']);
  });
});
