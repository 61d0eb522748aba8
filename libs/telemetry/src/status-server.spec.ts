import { Counter } from 'prom-client';
import { Health } from './health.js';
import { openMetrics } from './metrics.js';
import { serveStatus, type StatusServer } from './status-server.js';

let server: StatusServer | undefined;

afterEach(() => server?.close());

async function serve(health: Health, metrics = openMetrics('worker')): Promise<StatusServer> {
  server = await serveStatus({ health, metrics, host: '127.0.0.1', port: 0 });
  return server;
}

async function get(path: string): Promise<{ readonly status: number; readonly body: string }> {
  const response = await fetch(`${server?.url}${path}`);
  return { status: response.status, body: await response.text() };
}

describe('the status of a process', () => {
  it('is ready when everything it needs is, and says what is not', async () => {
    let down = false;
    const redis = () => (down ? Promise.reject(new Error('Redis cannot be reached')) : Promise.resolve());
    await serve(new Health().add('database', () => Promise.resolve()).add('jobs', redis));
    expect(await get('/readyz')).toEqual({
      status: 200,
      body: '{"ready":true,"checks":{"database":"ok","jobs":"ok"}}',
    });
    down = true;
    expect(await get('/readyz')).toEqual({
      status: 503,
      body: '{"ready":false,"checks":{"database":"ok","jobs":"Redis cannot be reached"}}',
    });
    expect((await get('/healthz')).status).toBe(200);
  });

  it('does not wait long for a check that hangs', async () => {
    await serve(new Health().add('database', () => new Promise(() => undefined)));
    const since = Date.now();
    const { status, body } = await get('/readyz?probe');
    expect(status).toBe(503);
    expect(body).toContain('no answer within 2 s');
    expect(Date.now() - since).toBeLessThan(4_000);
  });

  it('has the metrics of the process and those added to them', async () => {
    const metrics = openMetrics('worker');
    const batches = new Counter({ name: 'whydrop_batches_total', help: 'batches', registers: [metrics] });
    batches.inc(3);
    await serve(new Health(), metrics);
    const { status, body } = await get('/metrics');
    expect(status).toBe(200);
    expect(body).toContain('whydrop_batches_total{process="worker"} 3');
    expect(body).toMatch(/^whydrop_process_resident_memory_bytes\{process="worker"\} \d+/m);
    expect((await get('/other')).status).toBe(404);
  });
});
