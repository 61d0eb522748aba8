import { gunzipSync } from 'node:zlib';
import type { Draft } from '../spool/spool.js';
import { CoverageClock } from './coverage.js';

const EMITTER = { cluster: 'c', node: 'n1' };

function saidBy(drafts: readonly Draft[]): readonly string[] {
  return drafts.map((draft) => {
    const [, payload = ''] = gunzipSync(draft.body({ epoch: 1, sequence: 0 }))
      .toString()
      .split('\n');
    const { from, to, nodes } = JSON.parse(payload) as { from: string; to: string; nodes: Record<string, string[]> };
    return `${nodes['n1']?.join('+')} ${Date.parse(from)}..${Date.parse(to)}`;
  });
}

describe('what was captured without a gap', () => {
  it('is said a second late, and each time from where it was said before', () => {
    const clock = new CoverageClock();
    clock.alive('conntrack.log', 'conntrack', 1_000);
    expect(saidBy(clock.take(EMITTER, 6_000))).toEqual(['conntrack 1000..5000']);
    expect(saidBy(clock.take(EMITTER, 11_000))).toEqual(['conntrack 5000..10000']);
  });

  it('has a hole where something was lost', () => {
    const clock = new CoverageClock();
    clock.alive('conntrack.log', 'conntrack', 1_000);
    clock.take(EMITTER, 6_000);
    clock.alive('conntrack.log', 'conntrack', 8_000);
    expect(saidBy(clock.take(EMITTER, 11_000))).toEqual(['conntrack 8000..10000']);
  });

  it('says nothing of a channel while one of its readers does not read', () => {
    const clock = new CoverageClock();
    clock.alive('nflog.1.json', 'nflog', 1_000);
    clock.alive('nflog.2.json', 'nflog', undefined);
    clock.alive('conntrack.log', 'conntrack', 1_000);
    expect(saidBy(clock.take(EMITTER, 6_000))).toEqual(['conntrack 1000..5000']);
    clock.alive('nflog.2.json', 'nflog', 7_000);
    expect(saidBy(clock.take(EMITTER, 11_000))).toEqual(['nflog 7000..10000', 'conntrack 5000..10000']);
  });
});
