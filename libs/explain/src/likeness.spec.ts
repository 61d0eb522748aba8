import { OBJECTS, ruleset } from './shop.js';
import { logged, unanswered } from './storm.js';
import { correlate } from './correlate.js';
import { captured } from './fixture.js';

const NODES = [0, 1, 2, 3, 4];

function given(which: readonly number[], log: (i: number) => string) {
  const complete = ['conntrack', 'iptables', 'nflog'];
  const n1 = { conntrack: which.map(unanswered).join(''), complete };
  const rulesets = { 0: ruleset(0), 20: ruleset(90) };
  return captured(OBJECTS, { n1, n2: { nflog: which.map(log).join(''), rulesets, complete, addresses: [] } });
}

/** The drops of all attempts together, and of each by itself: nothing may be handed from one to another that is not its own. */
function bothWays(log: (i: number) => string) {
  const all = given(NODES, log);
  const together = correlate(all.witnesses, all.surroundings);
  const alone = NODES.flatMap((i) => {
    const { witnesses, surroundings } = given([i], log);
    return correlate(witnesses, surroundings);
  });
  // A counter belongs to the one attempt that rests on it: who else does is not the attempt's own.
  const own = (found: typeof together) => found.map(({ drop: { packets: _packets, ...drop } }) => drop);
  return { together, own: own(together), alone: own(alone) };
}

describe('like attempts', () => {
  it('share one explanation and keep their own evidence', () => {
    const { together, own, alone } = bothWays(logged);
    expect(own).toEqual(alone);
    expect(new Set(together.map(({ like }) => like)).size).toBe(1);
    expect(new Set(together.map(({ drop }) => drop.explanation.evidence[0]?.raw)).size).toBe(NODES.length);
  });

  it('are told apart by what the rule saw of them', () => {
    const { together, own, alone } = bothWays((i) => {
      const line = logged(i);
      if (i === 1) return line.replace('tcp.syn=1', 'tcp.syn=0');
      if (i === 2) return line.replace('ip.saddr.str=10.1.1.7', 'ip.saddr.str=10.1.1.8');
      return i === 3 ? line.replace('DPI|default', 'API|default') : line;
    });
    expect(own).toEqual(alone);
    expect(new Set(together.map(({ like }) => like)).size).toBeGreaterThan(2);
  });
});
