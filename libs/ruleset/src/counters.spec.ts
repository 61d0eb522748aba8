import { counterDeltas, endsPacket, ruleKeys } from './counters.js';
import { snapshotOf } from './ruleset-fixture.js';

function deltas(before: string, after: string): readonly string[] {
  const wrap = (text: string) => snapshotOf(`*filter\n${text}\nCOMMIT`);
  return counterDeltas(wrap(before), wrap(after)).map(
    ({ chain, rule, chainPolicy, packets, bytes, reset, change }) =>
      `${rule?.text ?? `:${chain} ${chainPolicy}`} +${packets}:${bytes} ${change}${reset ? ' (at least)' : ''}`,
  );
}

describe('counterDeltas', () => {
  it('tells only of counters that moved, rules and chain policies', () => {
    const before = ':FORWARD DROP [2:120]\n[5:300] -A FORWARD -s 10.0.0.1/32 -j DROP\n[7:400] -A FORWARD -j ACCEPT';
    const after = ':FORWARD DROP [3:180]\n[8:480] -A FORWARD -s 10.0.0.1/32 -j DROP\n[7:400] -A FORWARD -j ACCEPT';
    expect(deltas(before, after)).toEqual([
      '-A FORWARD -s 10.0.0.1/32 -j DROP +3:180 counted',
      ':FORWARD DROP +1:60 counted',
    ]);
  });

  it('knows a rule by its content, not by its place', () => {
    const before = ':X -\n[5:300] -A X -j DROP';
    const after = ':X -\n[0:0] -A X -s 10.0.0.9/32 -j ACCEPT\n[6:360] -A X -j DROP';
    expect(deltas(before, after)).toEqual(['-A X -j DROP +1:60 counted']);
  });

  it('keeps equal rules of one chain apart', () => {
    const before = ':X -\n[5:300] -A X -j DROP\n[1:60] -A X -j DROP';
    const after = ':X -\n[5:300] -A X -j DROP\n[3:180] -A X -j DROP';
    expect(deltas(before, after)).toEqual(['-A X -j DROP +2:120 counted']);
  });

  it('a counter that went down started again: its value is a lower bound, also for its neighbours', () => {
    const before = ':X -\n[5:300] -A X -j DROP\n[1:60] -A X -j ACCEPT\n:Y -\n[1:1] -A Y -j DROP';
    const after = ':X -\n[2:120] -A X -j DROP\n[4:240] -A X -j ACCEPT\n:Y -\n[2:2] -A Y -j DROP';
    expect(deltas(before, after)).toEqual([
      '-A X -j DROP +2:120 reset (at least)',
      '-A X -j ACCEPT +3:180 reset (at least)',
      '-A Y -j DROP +1:1 counted',
    ]);
  });

  it('a reset to zero is told although nothing was counted since', () => {
    expect(deltas(':X -\n[5:300] -A X -j DROP', ':X -\n[0:0] -A X -j DROP')).toEqual([
      '-A X -j DROP +0:0 reset (at least)',
    ]);
  });

  it('a whole table written anew makes every difference a lower bound', () => {
    const before = ':X -\n[5:300] -A X -j DROP\n:Y -\n[0:0] -A Y -j DROP\n:Z -\n[9:900] -A Z -j DROP';
    const after = ':X -\n[0:0] -A X -j DROP\n:Y -\n[2:120] -A Y -j DROP\n:Z -\n[0:0] -A Z -j DROP';
    expect(deltas(before, after)).toContain('-A Y -j DROP +2:120 reset (at least)');
  });

  it('a table that was put back with the counters of a moment before did not count all of them again', () => {
    const before = ':X -\n[1000:60000] -A X -j DROP\n[40:2400] -A X -s 10.0.0.9/32 -j DROP\n[70:4200] -A X -j ACCEPT';
    const after = ':X -\n[996:59760] -A X -j DROP\n[40:2400] -A X -s 10.0.0.9/32 -j DROP\n[74:4440] -A X -j ACCEPT';
    expect(deltas(before, after)).toEqual([
      '-A X -j DROP +0:0 reset (at least)',
      '-A X -j ACCEPT +4:240 reset (at least)',
    ]);
  });

  it('a table of which one counter began near zero was not put back', () => {
    const before = ':X -\n[1000:60000] -A X -j DROP\n[40:2400] -A X -j ACCEPT';
    const after = ':X -\n[996:59760] -A X -j DROP\n[1:60] -A X -j ACCEPT';
    expect(deltas(before, after)).toEqual([
      '-A X -j DROP +996:59760 reset (at least)',
      '-A X -j ACCEPT +1:60 reset (at least)',
    ]);
  });

  it('counters are exact where a double is not', () => {
    const before = ':X -\n[9007199254740992:18446744073709550000] -A X -j DROP';
    const after = ':X -\n[9007199254740993:18446744073709550060] -A X -j DROP';
    expect(deltas(before, after)).toEqual(['-A X -j DROP +1:60 counted']);
  });

  it('a rule that came, and one that went with what it had counted', () => {
    const before = ':OLD -\n[5:300] -A OLD -j DROP';
    const after = ':NEW -\n[2:120] -A NEW -j DROP\n[0:0] -A NEW -j ACCEPT';
    expect(deltas(before, after)).toEqual([
      '-A NEW -j DROP +2:120 appeared (at least)',
      '-A OLD -j DROP +0:0 vanished (at least)',
    ]);
  });

  it('what no machine counts was set, not counted', () => {
    const before = ':FORWARD DROP [2:120]\n[5:300] -A FORWARD -j DROP';
    const after = ':FORWARD DROP [9007199254740995:180]\n[9007199254740997:300] -A FORWARD -j DROP';
    expect(deltas(before, after)).toEqual(['-A FORWARD -j DROP +9007199254740992:0 counted']);
  });

  it('two equal snapshots differ in nothing', () => {
    const text = ':FORWARD DROP [2:120]\n[5:300] -A FORWARD -j DROP';
    expect(deltas(text, text)).toEqual([]);
  });
});

it('ruleKeys: table, content, and which of its equals', () => {
  const snapshot = snapshotOf('*filter\n:X -\n-A X -j DROP\n-A X -j DROP\nCOMMIT\n*raw\n:X -\n-A X -j DROP\nCOMMIT');
  expect([...ruleKeys(snapshot).keys()]).toEqual(['filter -A X -j DROP', 'filter -A X -j DROP #2', 'raw -A X -j DROP']);
});

it.each([
  ['-A X -j DROP', 'drop'],
  ['-A X -p tcp -j REJECT --reject-with tcp-reset', 'reject'],
  ['-A X -j LOGDROP', undefined],
  ['-A X -m comment --comment "-j DROP"', undefined],
])('endsPacket: %s', (text, wanted) => {
  const rule = snapshotOf(`*filter\n:X -\n${text}\nCOMMIT`).tables[0]?.chains[0]?.rules[0];
  expect(rule && endsPacket(rule)).toBe(wanted);
});
