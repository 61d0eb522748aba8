import type { LookupFunction } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import type { AllowList } from './guard/allow-list.js';
import { type Lookup, Refused, resolveTarget, resolveTrusted, type Target } from './guard/target.js';
import type { Answer, Request } from './receiver.js';

export interface SendOptions {
  readonly allow: AllowList;
  readonly lookup: Lookup;
  /** Milliseconds until a connection stands, and until everything is over. */
  readonly connectTimeoutMs: number;
  readonly totalTimeoutMs: number;
  /** Milliseconds that are spent on the body of an answer whose status is known. */
  readonly bodyTimeoutMs: number;
  /** Ends it early: the process stops. */
  readonly signal?: AbortSignal;
}

export const SEND_DEFAULTS = { connectTimeoutMs: 5_000, totalTimeoutMs: 15_000, bodyTimeoutMs: 3_000 } as const;

/** Bytes of an answer that are read, and characters that are kept. */
const MOST_BYTES = 64 * 1024;
export const EXCERPT = 1_024;

export type Sent =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'failure'; readonly retry: boolean; readonly error: string };

/** A name server that does not answer holds nobody longer than a connection would. */
function bounded(lookup: Lookup, timeoutMs: number): Lookup {
  return async (name) => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new Error(`no answer about ${name} from DNS within ${timeoutMs / 1000} s`)),
        timeoutMs,
      );
    });
    try {
      return await Promise.race([lookup(name), late]);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Whatever is asked for, the answer is the address that was judged. */
function pinned({ address, family }: Target): LookupFunction {
  return (_host, options, callback) => {
    if (options.all === true) callback(null, [{ address, family }]);
    else callback(null, address, family);
  };
}

/** Begin of the body. One that hangs, breaks off or never ends is cut: the status has told what counts. */
async function beginOf(body: Dispatcher.ResponseData['body'], timeoutMs: number): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  const timer = setTimeout(() => body.destroy(), timeoutMs);
  try {
    for await (const part of body) {
      parts.push(part as Buffer);
      bytes += (part as Buffer).length;
      if (bytes >= MOST_BYTES) break;
    }
  } catch {
    // what came so far is kept
  } finally {
    clearTimeout(timer);
    body.destroy();
  }
  // NUL cannot be stored as text.
  return Buffer.concat(parts).toString('utf8').replaceAll('\0', '').slice(0, EXCERPT);
}

function headerOf(headers: Dispatcher.ResponseData['headers'], name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

async function post(client: Client, target: Target, request: Request, options: SendOptions): Promise<Answer> {
  const total = AbortSignal.timeout(options.totalTimeoutMs);
  const { headers, body: sent } = request;
  const {
    statusCode,
    headers: got,
    body,
  } = await client.request({
    method: 'POST',
    path: target.path,
    headers,
    body: sent,
    signal: options.signal ? AbortSignal.any([total, options.signal]) : total,
  });
  body.on('error', () => undefined);
  return {
    status: statusCode,
    retryAfter: headerOf(got, 'retry-after'),
    location: headerOf(got, 'location'),
    body: await beginOf(body, options.bodyTimeoutMs),
  };
}

function failureOf(error: unknown, { totalTimeoutMs }: SendOptions): Sent {
  if (error instanceof Refused) return { kind: 'failure', retry: false, error: `not sent: ${error.message}` };
  const { name, message, code } = error as NodeJS.ErrnoException;
  if (name === 'TimeoutError')
    return { kind: 'failure', retry: true, error: `no answer within ${totalTimeoutMs / 1000} s` };
  const text = message === '' ? name : message;
  return {
    kind: 'failure',
    retry: true,
    error: code === undefined || text.includes(code) ? text : `${text} (${code})`,
  };
}

/**
 * Sends one request on a connection of its own to the address that was judged. Redirects are not followed, proxies of the
 * environment are not asked.
 */
export async function send(request: Request, options: SendOptions): Promise<Sent> {
  let client: Client | undefined;
  try {
    const lookup = bounded(options.lookup, options.connectTimeoutMs);
    const target = request.isOwnCluster
      ? await resolveTrusted(request.url, lookup)
      : await resolveTarget(request.url, options.allow, lookup);
    const ca = request.certificateAuthority;
    client = new Client(target.origin, {
      connect: { lookup: pinned(target), timeout: options.connectTimeoutMs, ...(ca === undefined ? {} : { ca }) },
      headersTimeout: options.totalTimeoutMs + 1_000,
      bodyTimeout: options.totalTimeoutMs,
      maxHeaderSize: 32 * 1024,
    });
    return { kind: 'answer', answer: await post(client, target, request, options) };
  } catch (error) {
    return failureOf(error, options);
  } finally {
    await client?.destroy().catch(() => undefined);
  }
}
