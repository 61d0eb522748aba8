import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Health } from './health.js';
import type { Metrics } from './stored-metrics.js';

export interface StatusServer {
  readonly url: string;
  close(): Promise<void>;
}

export interface StatusOptions {
  readonly health: Health;
  readonly metrics: Metrics;
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
}

type Answer = readonly [status: number, type: string, body: string];

const json = (status: number, value: object): Answer => [status, 'application/json', JSON.stringify(value)];

async function answer(path: string | undefined, { health, metrics }: StatusOptions): Promise<Answer> {
  if (path === '/healthz') return json(200, { status: 'ok' });
  if (path === '/metrics') return [200, metrics.contentType, await metrics.metrics()];
  if (path !== '/readyz') return json(404, { error: 'not found' });
  const report = await health.report();
  return json(report.ready ? 200 : 503, report);
}

function send(response: ServerResponse, [status, type, body]: Answer): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}

/** The three questions that are asked of a process without an API: /healthz (alive), /readyz (can work), /metrics (Prometheus). */
export async function serveStatus(options: StatusOptions): Promise<StatusServer> {
  const server = createServer((request, response) => {
    answer(request.url?.split('?', 1)[0], options).then(
      (found) => send(response, found),
      (error: unknown) => send(response, json(500, { error: String(error) })),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://${options.host}:${port}`, close };
}
