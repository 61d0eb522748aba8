import { setTimeout as sleep } from 'node:timers/promises';
import { Chance } from './random.js';
import { Manifest, type MadeBatch } from './manifest.js';
import { post, Sender, type Target } from './sender.js';

/** Milliseconds between two batches of a stream, and how many records at most in one. */
export interface Pace {
  readonly everyMs: number;
  readonly records: number;
}

/** A steady load of numbered records from several nodes. */
export class Load {
  readonly manifest = new Manifest();
  readonly senders: readonly Sender[];
  /** Batches that were delivered once more than needed. */
  replayed = 0;
  private readonly chance: Chance;

  constructor(
    private readonly target: Target,
    seed: number,
    pace: Pace = { everyMs: 800, records: 10 },
    nodes = 3,
  ) {
    this.chance = new Chance(seed);
    const sources = Array.from({ length: nodes }, (_, at) => `node-${at + 1}`).flatMap((node) => [
      { node, stream: 'conntrack.log', format: 'conntrack-events' as const },
      { node, stream: 'nflog.1.log', format: 'nflog-gprint' as const },
    ]);
    this.senders = sources.map(
      (source) => new Sender(target, this.manifest, new Chance(this.chance.int(0, 2 ** 31)), source, pace),
    );
  }

  start(): void {
    for (const sender of this.senders) sender.start();
  }

  /** Delivers what is pushed, and makes nothing of its own. */
  deliver(): void {
    for (const sender of this.senders) sender.startDelivery();
  }

  finish(): Promise<unknown> {
    return Promise.all(this.senders.map((sender) => sender.finish()));
  }

  get refusals(): readonly string[] {
    return this.senders.flatMap(({ refusals }) => refusals);
  }

  /** A batch that was made by this moment and that nobody acknowledged. */
  waitingSince(made: number): MadeBatch | undefined {
    return this.senders.map(({ oldest }) => oldest).find((batch) => batch !== undefined && batch.madeAt <= made);
  }

  /** The highest id of a batch that was made before. */
  highestAcknowledged(madeBefore: number): bigint {
    let highest = 0n;
    for (const [{ madeAt }, id] of this.manifest.acknowledged) if (madeAt <= madeBefore && id > highest) highest = id;
    return highest;
  }

  /** Everything that was ever made once more, from the first batch on; whatever id it gets now is the one that counts. */
  async shipEverything(): Promise<void> {
    for (const batch of this.manifest.made) {
      const answer = await this.insist(batch);
      if (answer) this.manifest.acknowledge(batch, answer.id);
    }
  }

  private async insist(batch: MadeBatch): Promise<Awaited<ReturnType<typeof post>>> {
    for (const end = Date.now() + 30_000; Date.now() < end; await sleep(200)) {
      const answer = await post(this.target, batch);
      if (answer) return answer;
    }
    return undefined;
  }

  /** Delivers batches again that were acknowledged, latest first in part; each must be known under the same id. */
  async replay(count: number): Promise<readonly string[]> {
    const known = [...this.manifest.acknowledged];
    const wrong: string[] = [];
    const again = async (batch: MadeBatch, id: bigint) => {
      const answer = await this.insist(batch);
      this.replayed += 1;
      if (answer && (!answer.duplicate || answer.id !== id))
        wrong.push(`${batch.stream} ${batch.sequence} got a second row`);
      if (!answer) wrong.push(`${batch.stream} ${batch.sequence} is not taken a second time`);
    };
    const chosen = Array.from({ length: Math.min(count, known.length) }, () => this.chance.pick(known));
    await Promise.all(chosen.map(([batch, id]) => again(batch, id)));
    return wrong;
  }
}
