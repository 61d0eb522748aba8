import { expositionOf } from './exposition.js';
import { openMetrics } from './metrics.js';
import { StoredMetrics } from './stored-metrics.js';

const family = (value: number) =>
  ({ name: 'whydrop_x_total', help: 'x', type: 'counter', samples: [{ labels: { a: '1' }, value }] }) as const;

describe('metrics of what is stored', () => {
  it('are written as Prometheus reads them', () => {
    const labels = { policy: 'a "b"\\\n', cluster: 'c' };
    const text = expositionOf([{ name: 'x', help: 'one\ntwo', type: 'gauge', samples: [{ labels, value: 2 }] }]);
    expect(text).toBe('# HELP x one\\ntwo\n# TYPE x gauge\nx{policy="a \\"b\\"\\\\\\n",cluster="c"} 2\n');
  });

  it('stand beside those of the process, and are read once in a while', async () => {
    let [now, read] = [0, 0];
    const stored = new StoredMetrics(openMetrics('api', '1.2.3'), {
      read: () => Promise.resolve([family(++read)]),
      keepMs: 1_000,
      now: () => now,
    });
    const texts = await Promise.all([stored.metrics(), stored.metrics()]);
    for (const text of texts) expect(text).toContain('\nwhydrop_x_total{a="1"} 1\n');
    expect(texts[0]).toContain('whydrop_build_info{version="1.2.3",process="api"} 1\n');
    now = 999;
    expect(await stored.metrics()).toContain('whydrop_x_total{a="1"} 1\n');
    now = 1_000;
    expect(await stored.metrics()).toContain('whydrop_x_total{a="1"} 2\n');
  });

  it('do not take those of the process with them when the database is away', async () => {
    const read = () => Promise.reject(new Error('away'));
    const text = await new StoredMetrics(openMetrics('api'), { read }).metrics();
    expect(text).toContain('whydrop_process_resident_memory_bytes');
    expect(text).toContain('whydrop_stored_metrics_readable 0\n');
  });
});
