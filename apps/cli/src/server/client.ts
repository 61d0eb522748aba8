import { gzip } from 'node:zlib';
import { promisify } from 'node:util';
import { type EnvelopeInput, formatBatch } from '@whydrop/contracts';
import { ServerError, UsageError } from '../errors.js';

const compress = promisify(gzip);

/** How far batches have come, as `GET /ingest/v1/status` answers. */
export interface Progress {
  readonly batches: number;
  readonly stored: number;
  readonly correlated: number;
  readonly failing: number;
  readonly rejects: number;
}

export interface Accepted {
  readonly batchId: string;
  readonly duplicate: boolean;
}

/** Of GraphQL: `data`, `errors`; of the ingest: what it accepted, or `error`. */
interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
  readonly error?: { readonly code?: string; readonly message?: string };
}

/** The body as JSON; undefined when it is none: then somebody else has answered. */
async function answerOf(response: Response): Promise<Answer | undefined> {
  try {
    return (await response.json()) as Answer;
  } catch {
    return undefined;
  }
}

/** The part of fetch's options that is used here. */
interface OwnRequest {
  readonly method: 'GET' | 'POST';
  readonly body?: Uint8Array<ArrayBuffer> | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How often a refused or failed request is sent again, and the pause before the first of them. */
const TRIES = 8;
const PAUSE_MS = 250;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Talks to a running Whydrop over HTTP, as every other client does. */
export class WhydropClient {
  constructor(
    readonly url: string,
    private readonly token: string,
  ) {}

  private async request(path: string, init: OwnRequest): Promise<Response> {
    const headers = { authorization: `Bearer ${this.token}`, ...init.headers };
    try {
      return await fetch(new URL(path, this.url), { ...init, headers });
    } catch (error) {
      const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      throw new UsageError(`${this.url}: cannot be reached (${reason}); is Whydrop running there?`);
    }
  }

  private async failure(response: Response): Promise<UsageError> {
    const status = `${response.status} ${response.statusText}`.trim();
    const { error, errors } = (await answerOf(response)) ?? {};
    const code = error?.code ?? errors?.[0]?.extensions?.code;
    const message = error?.message ?? errors?.[0]?.message;
    if (message === undefined) return new UsageError(`${this.url}: ${status}: this is no answer of Whydrop`);
    return new UsageError(`${this.url}: ${response.status} ${code ?? response.statusText}: ${message}`);
  }

  /** Ships one batch; sends it again while the server asks to wait. */
  async ship(envelope: EnvelopeInput, payload: Buffer): Promise<Accepted> {
    const body = await compress(formatBatch(envelope, payload), { level: 1 });
    for (let tried = 1; ; tried++) {
      const response = await this.request('/ingest/v1/batches', {
        method: 'POST',
        body: new Uint8Array(body),
        headers: { 'content-encoding': 'gzip' },
      });
      if (response.status === 202) return (await response.json()) as Accepted;
      const busy = response.status === 429 || response.status === 503;
      if (!busy || tried === TRIES) throw await this.failure(response);
      const asked = Number(response.headers.get('retry-after')) * 1000;
      await sleep((asked || PAUSE_MS * 2 ** tried) * (0.5 + Math.random() / 2));
    }
  }

  async progress(cluster: string, batches: readonly string[]): Promise<Progress> {
    const query = new URLSearchParams({ cluster, batches: batches.join(',') });
    const response = await this.request(`/ingest/v1/status?${query.toString()}`, { method: 'GET' });
    if (!response.ok) throw await this.failure(response);
    return (await response.json()) as Progress;
  }

  /** Answers of a subscription until the reader stops; a lost connection is made again, and told to `onLost`. */
  async *subscribe<T>(query: string, variables: Record<string, unknown>, onLost: () => void): AsyncGenerator<T> {
    const { subscribing } = await import('./subscribe.js');
    yield* subscribing<T>(this.url, this.token, { query, variables }, onLost);
  }

  /** Runs a GraphQL query; the first error becomes a UsageError. */
  async query<T>(query: string, variables: object): Promise<T> {
    const response = await this.request('/graphql', {
      method: 'POST',
      body: JSON.stringify({ query, variables }),
      headers: { 'content-type': 'application/json' },
    });
    if (response.status === 401 || response.status >= 500) throw await this.failure(response);
    const answer = await answerOf(response.clone());
    const error = answer?.errors?.[0];
    if (error) throw new ServerError(error.extensions?.code ?? 'ERROR', error.message);
    if (answer?.data === undefined) throw await this.failure(response);
    return answer.data as T;
  }
}
