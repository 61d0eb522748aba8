import { z } from 'zod';

const name = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^\P{Cc}+$/u, 'must not hold control characters');
const rfc3339 = z.iso.datetime({ offset: true, message: 'must be an RFC 3339 time, like 2026-11-20T22:40:15Z' });

const fields = z.strictObject({
  version: z.literal(1),
  cluster: name(253),
  /** metadata.name of the Node; null for what belongs to the whole cluster. */
  node: name(253).nullable().default(null),
  /** One source on that node, usually its file: `conntrack.log`, `iptables.1795214426.5.save`. */
  stream: name(1024),
  /** How to read the payload; the closed list is in docs/decoders.md. */
  format: name(64),
  /** Changes when the emitter starts over; with `sequence` it makes gaps visible. */
  epoch: z.int().nonnegative(),
  /** 0, 1, 2, … within an epoch. */
  sequence: z.int().nonnegative(),
  /**
   * Sequence, in the same stream and epoch, of the picture that the payload is told by: then it is a difference of
   * `libs/model/src/counted-text.ts`. Left out: the payload is whole.
   */
  base: z.int().nonnegative().optional(),
  /** Time of a snapshot, or of the first record. */
  observedFrom: rfc3339.nullable().default(null),
  observedTo: rfc3339.nullable().default(null),
  /** Line number of the payload's first line in its file, for messages about it. */
  firstLine: z.int().min(1).default(1),
  /** What the format needs beyond its lines: `group` of an NFLOG file, `backend` of an iptables-save, a `mapping`. */
  attributes: z.record(z.string().max(64), z.string().max(8192)).default({}),
});

/**
 * Head of one batch: who ships it, what its bytes are, where it stands in its stream. It is the first line of the body
 * of `POST /ingest/v1/batches`, as one JSON object; everything after the line feed is the payload as the emitter wrote it.
 * `(cluster, node, stream, epoch, sequence)` is the natural key: the same key twice is the same row.
 */
export const envelopeSchema = fields.refine(({ base, sequence }) => base === undefined || base < sequence, {
  path: ['base'],
  message: 'must be the number of an earlier batch',
});

export type Envelope = z.output<typeof envelopeSchema>;
export type EnvelopeInput = z.input<typeof envelopeSchema>;

/** A batch body taken apart, or the field that is wrong with it. */
export type ParsedBatch =
  | { readonly ok: true; readonly envelope: Envelope; readonly payload: Buffer }
  | { readonly ok: false; readonly field: string; readonly message: string };

const MAX_HEAD = 64 * 1024;

/** Takes an inflated body apart: first line the envelope, the rest the payload. Never throws on input. */
export function parseBatch(body: Buffer): ParsedBatch {
  const end = body.indexOf(10);
  if (end < 0 || end > MAX_HEAD) {
    return {
      ok: false,
      field: 'envelope',
      message: 'the first line of the body must be the envelope as one JSON object',
    };
  }
  let head: unknown;
  try {
    head = JSON.parse(body.toString('utf8', 0, end));
  } catch {
    return { ok: false, field: 'envelope', message: 'the first line of the body is not JSON' };
  }
  const result = envelopeSchema.safeParse(head);
  if (result.success) return { ok: true, envelope: result.data, payload: body.subarray(end + 1) };
  const issue = result.error.issues[0];
  const unknownKey = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const field = unknownKey ?? (issue?.path.join('.') || 'envelope');
  return { ok: false, field, message: issue?.message ?? 'is not valid' };
}

/** Writes a batch body: the envelope's line, then the payload. */
export function formatBatch(envelope: EnvelopeInput, payload: Buffer | string): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(envelope)}\n`), Buffer.from(payload)]);
}
