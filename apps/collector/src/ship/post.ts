import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { Patience } from './patience.js';

/** What the server said to a batch. */
export type Answer =
  | { readonly kind: 'accepted' }
  /** Again, after `afterMs` when the server asked for a pause. */
  | { readonly kind: 'later'; readonly reason: string; readonly afterMs: number | undefined }
  /** This batch will never be taken; the others may. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Answers that are about the batch itself. A 401 or 404 is about us or the way there: those are tried again. */
const ABOUT_THE_BATCH: ReadonlySet<number> = new Set([400, 409, 413, 415, 422]);
/** Two tries of the kernel's, at 0 and 1 s; the third would come at 3 s, and a new connection begins anew. */
const CONNECT_MS = 2_500;
const LONGEST_ANSWER = 64 * 1024;

/** Milliseconds of a Retry-After header: seconds or a date. */
function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** What an answer means. Only 202 is a yes: everything else might come from something that stands in between. */
export function answerOf(status: number, text: string, retryAfter: string | undefined, now: number): Answer {
  if (status === 202) return { kind: 'accepted' };
  const reason = `${status} ${text.slice(0, 300)}`;
  if (ABOUT_THE_BATCH.has(status)) return { kind: 'refused', reason };
  return { kind: 'later', reason, afterMs: retryAfterMs(retryAfter, now) };
}

function limitConnecting(sent: http.ClientRequest, socket: Socket): void {
  if (!socket.connecting) return;
  const late = () => sent.destroy(new Error(`no connection within ${CONNECT_MS / 1000} s`));
  const timer = setTimeout(late, CONNECT_MS);
  for (const event of ['connect', 'close'] as const) socket.once(event, () => clearTimeout(timer));
}

/** Posts batches over connections that are kept. */
export class Poster {
  private readonly target: URL;
  private readonly agent: http.Agent;

  constructor(
    url: string,
    private readonly token: string,
    inFlight: number,
    private readonly patience = new Patience(),
  ) {
    this.target = new URL('ingest/v1/batches', url.endsWith('/') ? url : `${url}/`);
    const options = { keepAlive: true, maxSockets: inFlight };
    this.agent = this.target.protocol === 'https:' ? new https.Agent(options) : new http.Agent(options);
  }

  post(body: Buffer): Promise<Answer> {
    const { request } = this.target.protocol === 'https:' ? https : http;
    const headers = {
      authorization: `Bearer ${this.token}`,
      'content-encoding': 'gzip',
      'content-length': body.length,
      'content-type': 'application/octet-stream',
    };
    return new Promise((resolve) => {
      const [begun, given] = [performance.now(), this.patience.now];
      const failed = (error: Error) => resolve({ kind: 'later', reason: error.message, afterMs: undefined });
      const sent = request(this.target, { method: 'POST', agent: this.agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size <= LONGEST_ANSWER) chunks.push(chunk);
        });
        response.once('error', failed).once('end', () => {
          this.patience.answered(performance.now() - begun);
          const text = Buffer.concat(chunks).toString('utf8');
          resolve(answerOf(response.statusCode ?? 0, text, response.headers['retry-after'], Date.now()));
        });
      });
      sent.once('socket', (socket) => limitConnecting(sent, socket));
      sent.setTimeout(given, () => {
        this.patience.ranOut(given);
        this.hangUpIdle();
        sent.destroy(new Error(`no answer within ${given / 1000} s`));
      });
      sent.once('error', failed).end(body);
    });
  }

  /** What lies idle went the same way, and would only be found dead one after the other. */
  private hangUpIdle(): void {
    for (const socket of Object.values(this.agent.freeSockets).flat()) socket?.destroy();
  }

  close(): void {
    this.agent.destroy();
  }
}
