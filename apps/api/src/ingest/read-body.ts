import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { ApiError, unavailable } from '../http/api-error.js';
import type { IngestLimits } from '../options.js';

type Sizes = Pick<IngestLimits, 'compressedBytes' | 'inflatedBytes'>;

export type ContentEncoding = 'gzip' | 'identity';

/** The encoding a request names; throws the 415 to answer for one that is not read. */
export function contentEncoding(header: string | undefined): ContentEncoding {
  const name = header?.trim().toLowerCase() ?? 'identity';
  if (name === 'gzip' || name === 'x-gzip') return 'gzip';
  if (name === 'identity' || name === '') return 'identity';
  throw new ApiError(415, 'UNSUPPORTED_ENCODING', `content-encoding ${name} is not read; send gzip or identity`);
}

function tooLarge(what: 'compressed' | 'inflated', limit: number): ApiError {
  const message = `the body is over the limit of ${limit} bytes ${what}; send smaller batches`;
  return new ApiError(413, 'TOO_LARGE', message, { limit: { [what]: limit } });
}

/** Passes a stream on and counts it. The stream stays open when reading ends early: the answer goes out on its socket. */
async function* counted(stream: Readable, limit: number, what: 'compressed' | 'inflated', count: (n: number) => void) {
  let received = 0;
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    received += chunk.length;
    count(chunk.length);
    if (received > limit) throw tooLarge(what, limit);
    yield chunk;
  }
}

function badGzip(error: unknown): unknown {
  const { code, message } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  if (code === 'Z_BUF_ERROR') return new ApiError(400, 'BAD_GZIP', 'the gzip body ends in the middle');
  if (typeof code !== 'string' || !code.startsWith('Z_')) return error;
  return new ApiError(400, 'BAD_GZIP', `the body is not gzip, or damaged (${String(message)})`);
}

/**
 * Reads a request's body and inflates it. Limits are checked on the way, so that a bomb is stopped long before it
 * fills the memory. `take` is asked for every inflated piece and may refuse; `sent` is told the bytes on the wire.
 */
export async function readBody(
  stream: Readable,
  encoding: ContentEncoding,
  limits: Sizes,
  take: (bytes: number) => boolean,
  sent: (bytes: number) => void,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let inflated = 0;
  const collect = async (source: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of source) {
      inflated += chunk.length;
      if (inflated > limits.inflatedBytes) throw tooLarge('inflated', limits.inflatedBytes);
      if (!take(chunk.length)) throw unavailable('too many batches are being received at once', 1);
      chunks.push(chunk);
    }
  };
  try {
    if (encoding === 'identity') await collect(counted(stream, limits.inflatedBytes, 'inflated', sent));
    else await pipeline(counted(stream, limits.compressedBytes, 'compressed', sent), createGunzip(), collect);
  } catch (error) {
    throw badGzip(error);
  }
  return Buffer.concat(chunks);
}
