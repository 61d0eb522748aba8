import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Deliverer, type DeliveryOptions } from '../../apps/worker/src/deliver.js';
import type { AlertMessage } from '@whydrop/alerting';
import { parseAllowList } from '@whydrop/notify';
import { createReceiver, type Database, enqueueDeliveries, openDatabase, secretBox } from '@whydrop/storage';
import { testDatabase } from '@whydrop/testing';

export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

/** The n-th message of an alert: odd ones fire, even ones resolve. */
export function message(alertId: string, sequence: number, more: Partial<AlertMessage> = {}): AlertMessage {
  const at = Date.now() * 1000;
  const isOver = sequence % 2 === 0;
  return {
    alertId,
    sequence,
    status: isOver ? 'resolved' : 'firing',
    at,
    startsAt: at - 60_000_000,
    endsAt: isOver ? at : null,
    ruleName: 'DropSpike',
    ruleKind: 'SPIKE',
    severity: 'warning',
    cluster: 'prod',
    labels: { alert: alertId, namespace: 'pay' },
    summary: `Drops to pay/${alertId} ↑`,
    sentence: null,
    cause: null,
    policies: [],
    value: 12,
    expected: 1,
    topSources: [],
    topDestinations: [],
    pod: null,
    trend: [],
    changes: [],
    path: '/',
    ...more,
  };
}

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly at: number;
}

export interface TestReceiver {
  readonly port: number;
  readonly received: readonly Received[];
  close(): Promise<void>;
}

/** A real server on the loopback; `answer` decides what happens to each request, which was read in full. */
export async function startReceiver(
  answer: (request: Received, response: ServerResponse) => void,
): Promise<TestReceiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts).toString();
      const one = { path: request.url ?? '', headers: request.headers, body, at: Date.now() };
      received.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    received,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}

/** A database, a key, and deliverers with the patience of a test. */
export interface Stage {
  readonly database: Database;
  readonly databaseUrl: string;
  readonly key: Buffer;
  readonly options: DeliveryOptions;
  webhook(name: string, port: number, settings?: Readonly<Record<string, string>>): Promise<void>;
  tell(message: AlertMessage, ...receivers: readonly string[]): Promise<void>;
  start(changes?: Partial<DeliveryOptions>): Deliverer;
  rows<Row>(sql: string, ...values: readonly unknown[]): Promise<readonly Row[]>;
  /** Waits until the statement finds nothing any more. */
  untilNone(sql: string, timeoutMs?: number): Promise<void>;
  /** Stops the deliverers and forgets receivers and deliveries. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const { url: databaseUrl, drop } = await testDatabase();
  const database = openDatabase(databaseUrl);
  const key = randomBytes(32);
  const box = secretBox([key]);
  const options: DeliveryOptions = {
    box,
    surroundings: { publicUrl: 'https://whydrop.example', version: 'test', inCluster: () => undefined },
    send: {
      allow: parseAllowList('127.0.0.1'),
      lookup: () => Promise.resolve(['127.0.0.1']),
      connectTimeoutMs: 500,
      totalTimeoutMs: 700,
      bodyTimeoutMs: 200,
    },
    perReceiver: 4,
    everyMs: 50,
    leaseSeconds: 5,
    schedule: Array.from({ length: 40 }, () => 0.1),
  };
  const deliverers: Deliverer[] = [];
  const stopDeliverers = () => Promise.all(deliverers.splice(0).map((deliverer) => deliverer.stop(0)));
  const rows = async <Row>(sql: string, ...values: readonly unknown[]) =>
    (await database.pool.query(sql, [...values])).rows as readonly Row[];
  return {
    database,
    databaseUrl,
    key,
    options,
    rows,
    webhook: async (name, port, settings = {}) => {
      const url = `http://127.0.0.1:${port}/${name}`;
      const receiver = { name, kind: 'webhook', settings: { url, ...settings }, secrets: { secret: SECRET } };
      await createReceiver(database, box, { ...receiver, enabled: true, sendResolved: true });
    },
    tell: async (one, ...receivers) => {
      await database.transaction((client) => enqueueDeliveries(client, one, receivers));
    },
    start: (changes = {}) => {
      const log = {
        error: (fields: object, text: string) => process.stderr.write(`${text} ${JSON.stringify(fields)}\n`),
      };
      const deliverer = new Deliverer(database, { ...options, ...changes }, log);
      deliverers.push(deliverer);
      deliverer.start();
      return deliverer;
    },
    untilNone: async (sql, timeoutMs = 60_000) => {
      const until = Date.now() + timeoutMs;
      for (;;) {
        const found = await rows(sql);
        if (found.length === 0) return;
        if (Date.now() > until) throw new Error(`still there: ${sql} ${String(found.length)} rows`);
        await sleep(50);
      }
    },
    reset: async () => {
      await stopDeliverers();
      await rows('TRUNCATE receiver CASCADE');
    },
    stop: async () => {
      await stopDeliverers();
      await database.close();
      await drop();
    },
  };
}

export const PENDING = `SELECT FROM alert_delivery WHERE state = 'pending'`;
