import type { IncomingMessage } from 'node:http';

const MAX_BYTES = 64 * 1024 * 1024;
const MAX_MS = 5_000;

/** Reads what is left of a request's body and forgets it; false when it is too much or takes too long. */
export function discardBody(request: IncomingMessage): Promise<boolean> {
  if (request.readableEnded || request.complete) return Promise.resolve(true);
  if (request.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    let bytes = 0;
    const done = (readToTheEnd: boolean) => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      resolve(readToTheEnd);
    };
    const onEnd = () => done(true);
    const onClose = () => done(request.readableEnded);
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_BYTES) done(false);
    };
    const timer = setTimeout(() => done(false), MAX_MS);
    request.on('end', onEnd).on('close', onClose).on('error', onClose).on('data', onData);
    request.resume();
  });
}
