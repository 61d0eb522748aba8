import { gzipSync } from 'node:zlib';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatBatch } from '../../libs/contracts/src/envelope.js';
import type { Chance } from './random.js';
import type { MadeBatch, Manifest } from './manifest.js';
import { numberedLine, type NumberedFormat } from './records.js';

export const CLUSTER = 'survival';
export const EPOCH = 1;

export interface Target {
  readonly url: string;
  readonly token: string;
}

/** Why a batch was not taken, when it was refused for good: with a well-behaved sender there is no such answer. */
export class Refused extends Error {}

/** Posts a batch once. Its id when it was taken; undefined when it has to be sent again. */
export async function post(target: Target, batch: MadeBatch): Promise<{ id: bigint; duplicate: boolean } | undefined> {
  const { node, stream, format, sequence, payload } = batch;
  const attributes: Record<string, string> = format === 'nflog-gprint' ? { group: '1' } : {};
  const envelope = { version: 1 as const, cluster: CLUSTER, node, stream, format, epoch: EPOCH, sequence, attributes };
  const body = new Uint8Array(gzipSync(formatBatch(envelope, payload), { level: 1 }));
  const headers = { authorization: `Bearer ${target.token}`, 'content-encoding': 'gzip' };
  const url = new URL('/ingest/v1/batches', target.url);
  let response: Response;
  try {
    response = await fetch(url, { method: 'POST', body, headers, signal: AbortSignal.timeout(4_000) });
    if (response.status === 202) {
      const { batchId, duplicate } = (await response.json()) as { batchId: string; duplicate: boolean };
      return { id: BigInt(batchId), duplicate };
    }
  } catch {
    return undefined;
  }
  const text = await response.text().catch(() => '');
  if (response.status === 429 || response.status >= 500) return undefined;
  throw new Refused(`${stream} ${sequence}: ${response.status} ${text}`);
}

/** One stream of one node: makes batches at a steady pace and delivers each until it is acknowledged, in order. */
export class Sender {
  private readonly waiting: MadeBatch[] = [];
  private sequence = 0;
  private making = true;
  private stopped = false;
  readonly refusals: string[] = [];
  private readonly loops: Promise<void>[] = [];
  private delivery: Promise<void> | undefined;

  constructor(
    private readonly target: Target,
    private readonly manifest: Manifest,
    private readonly chance: Chance,
    private readonly source: { readonly node: string; readonly stream: string; readonly format: NumberedFormat },
    /** Milliseconds between two batches, and how many records at most in one. */
    private readonly pace: { readonly everyMs: number; readonly records: number },
  ) {}

  start(): void {
    this.loops.push(this.make());
    this.startDelivery();
  }

  /** Delivers what is pushed; makes nothing of its own. */
  startDelivery(): void {
    this.delivery = this.deliver();
  }

  /** The first batch that is not acknowledged. */
  get oldest(): MadeBatch | undefined {
    return this.waiting[0];
  }

  /** Makes a batch of records now; `shiftMicros` sets the node's clock wrong. */
  batch(records: number, shiftMicros = 0): MadeBatch {
    const numbers = Array.from({ length: records }, () => this.manifest.number());
    const { format } = this.source;
    const now = Date.now() * 1000 + shiftMicros;
    const lines = numbers.map((number, at) => `${numberedLine(format, number, now + at)}\n`);
    const made = { ...this.source, sequence: this.sequence++, numbers, payload: lines.join(''), madeAt: Date.now() };
    return this.manifest.add(made);
  }

  push(batch: MadeBatch): void {
    this.waiting.push(batch);
  }

  /** The second to be sent goes first. */
  reorder(): boolean {
    const [first, second, third] = this.waiting;
    if (!first || !second || !third) return false;
    this.waiting.splice(1, 2, third, second);
    return true;
  }

  private async make(): Promise<void> {
    while (this.making) {
      this.push(this.batch(this.chance.int(1, this.pace.records)));
      await sleep(this.pace.everyMs * (0.5 + this.chance.next()));
    }
  }

  private async deliver(): Promise<void> {
    for (;;) {
      const batch = this.waiting[0];
      if (!batch) {
        if (this.stopped) return;
        await sleep(10);
        continue;
      }
      try {
        const answer = await post(this.target, batch);
        if (answer) {
          this.manifest.acknowledge(batch, answer.id);
          this.waiting.splice(this.waiting.indexOf(batch), 1);
        } else await sleep(100 * (0.5 + Math.random()));
      } catch (error) {
        this.refusals.push(String(error));
        this.waiting.splice(this.waiting.indexOf(batch), 1);
      }
    }
  }

  /** Makes no more, and returns when everything is acknowledged. */
  async finish(): Promise<void> {
    this.making = false;
    await Promise.all(this.loops);
    this.stopped = true;
    await this.delivery;
  }
}
