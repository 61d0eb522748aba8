import { parseBatch, type Envelope } from '@whydrop/contracts';
import { ApiError } from '../http/api-error.js';

const MAX_INT = 2 ** 31 - 1;
const UNSTORABLE = /[\0\p{Surrogate}]/u;

function badEnvelope(field: string, message: string): ApiError {
  return new ApiError(400, 'BAD_ENVELOPE', `${field}: ${message}`, { field });
}

/** What Postgres cannot hold: NUL and unpaired surrogates in text, line numbers beyond 32 bits. */
function unstorable(envelope: Envelope): string | undefined {
  const texts: readonly (readonly [string, string])[] = [
    ['cluster', envelope.cluster],
    ['node', envelope.node ?? ''],
    ['stream', envelope.stream],
    ...Object.entries(envelope.attributes).map(([key, value]) => [`attributes.${key}`, key + value] as const),
  ];
  if (envelope.firstLine > MAX_INT) return 'firstLine';
  return texts.find(([, text]) => UNSTORABLE.test(text))?.[0];
}

/** Takes a body apart and checks its envelope; throws the 400 to answer. */
export function checkBatch(body: Buffer, knownFormats: readonly string[]): { envelope: Envelope; payload: Buffer } {
  const batch = parseBatch(body);
  if (!batch.ok) throw badEnvelope(batch.field, batch.message);
  const field = unstorable(batch.envelope);
  if (field !== undefined) throw badEnvelope(field, 'holds a value that cannot be stored');
  if (!knownFormats.includes(batch.envelope.format)) {
    const message = `format ${batch.envelope.format} is not known; known are ${knownFormats.join(', ')}`;
    throw new ApiError(400, 'UNKNOWN_FORMAT', message, { field: 'format', known: knownFormats });
  }
  return batch;
}
