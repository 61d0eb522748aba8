import { gzipSync } from 'node:zlib';
import type { EnvelopeInput } from '@whydrop/contracts';

/** Whose records these are. */
export interface Emitter {
  readonly cluster: string;
  readonly node: string | null;
}

/** Quick, and in a quarter of the memory: several batches a second are packed. */
const GZIP = { level: 1, memLevel: 7, windowBits: 14 } as const;

/** The bytes of a batch for the wire, as `formatBatch` of libs/contracts has it; types alone are shared, for the memory's sake. */
export function wireBody(envelope: EnvelopeInput, payload: Buffer): Buffer {
  return gzipSync(Buffer.concat([Buffer.from(`${JSON.stringify(envelope)}\n`), payload]), GZIP);
}

/** An instant on the wire. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
