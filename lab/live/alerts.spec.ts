import { cpus, loadavg } from 'node:os';
import { runAlerts } from './alerts.js';

const isRoot = process.getuid?.() === 0;
const mustRun = process.env['CI'] === 'true';

/** Half a minute is promised on a machine that has nothing else to do; on a busy one only that they come. */
const patienceMs = () => ((loadavg()[0] ?? 0) > 2 * cpus().length ? 120_000 : 30_000);

describe('alerts of what happens in real nodes', () => {
  if (!isRoot && !mustRun) {
    it('needs root', () => {
      console.log('lab/live: left out, because network namespaces need root');
      expect(isRoot).toBe(false);
    });
    return;
  }

  it('a scan and a policy that was rolled out wrongly each are one alert within half a minute, and end', async () => {
    const { scan, misrolled, all } = await runAlerts();
    const patience = patienceMs();
    for (const { toldAfterMs, alert } of [scan, misrolled]) {
      expect(toldAfterMs).toBeLessThan(patience);
      expect(alert).toMatchObject({ rule: 'BlockedSpike', cause: 'POLICY_DEFAULT_DENY' });
    }
    expect(scan.alert.policies).toEqual(['NetworkPolicy/shop/vault-deny-all']);
    expect(scan.alert.sentence).toContain('Policy shop/vault-deny-all isolates it');
    expect(scan.alert.topSources).toMatchObject([{ end: { name: 'intruder' } }]);
    expect(misrolled.alert.policies).toEqual(['NetworkPolicy/shop/db-deny-all']);
    expect(misrolled.alert.changes[0]).toMatch(/^NetworkPolicy\/shop\/db-deny-all was created/);
    const told = all.filter(({ rule }) => rule === 'BlockedSpike');
    expect(told.map(({ state }) => state)).toEqual(['RESOLVED', 'RESOLVED']);
    expect(all).toHaveLength(2);
  }, 420_000);
});
