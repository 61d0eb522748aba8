import { run } from '../src/shell.js';
import { runLive } from './live.js';

const isRoot = process.getuid?.() === 0;
const mustRun = process.env['CI'] === 'true';

describe('a server, collectors in the nodes, and a policy that comes', () => {
  if (!isRoot && !mustRun) {
    it('needs root', () => {
      console.log('lab/live: left out, because network namespaces need root');
      expect(isRoot).toBe(false);
    });
    return;
  }

  it('explains the connection that times out, through the log and through counters alone', async () => {
    const { throughLog, throughCounters, intervalMs } = await runLive({ intervalMs: 2_000 });
    expect(throughLog).toMatchObject({ cause: 'POLICY_DEFAULT_DENY', basis: 'OBSERVED' });
    expect(throughCounters).toMatchObject({ cause: 'POLICY_DEFAULT_DENY', basis: 'COUNTED' });
    for (const { sentence } of [throughLog, throughCounters]) {
      expect(sentence).toContain('web-0 -> db-0:5432/TCP was dropped on ingress at db-0 (node node2)');
      expect(sentence).toContain('Policy shop/db-deny-all isolates it');
    }
    // Generous: the machine of a test has other work. `npm run lab:live` shows the times themselves.
    expect(throughLog.afterMs).toBeLessThan(8_000);
    expect(throughCounters.afterMs).toBeLessThan(intervalMs + 15_000);
    expect(run(undefined, ['ip', 'netns', 'list'])).not.toContain(`wd${process.pid.toString(36)}x`);
  }, 120_000);
});
