import type { NumberedFormat } from './records.js';

/** A batch as it was made, once and for all: every delivery of it is byte for byte this one. */
export interface MadeBatch {
  readonly node: string;
  readonly stream: string;
  readonly format: NumberedFormat;
  readonly sequence: number;
  readonly numbers: readonly number[];
  readonly payload: string;
  readonly madeAt: number;
}

/** Ground truth of a run: which numbers exist and what was acknowledged. */
export class Manifest {
  private next = 1;
  readonly made: MadeBatch[] = [];
  /** Ids of acknowledged batches by batch. */
  readonly acknowledged = new Map<MadeBatch, bigint>();
  /** Numbers that a followed file was given, beside those of batches. */
  readonly written = new Set<number>();

  number(): number {
    return this.next++;
  }

  add(batch: MadeBatch): MadeBatch {
    this.made.push(batch);
    return batch;
  }

  acknowledge(batch: MadeBatch, id: bigint): void {
    this.acknowledged.set(batch, id);
  }

  /** Every number that has to be found, once. */
  numbers(): ReadonlySet<number> {
    return new Set([...this.made.flatMap(({ numbers }) => numbers), ...this.written]);
  }
}
