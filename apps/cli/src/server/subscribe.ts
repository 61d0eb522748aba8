import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { UsageError } from '../errors.js';

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string }[];
}

/** The server refused: there is no use in asking again. */
const REFUSED: Readonly<Record<number, string>> = {
  4401: 'the server wants a token',
  4403: 'the token is not known, expired or revoked, or may not read',
  4400: 'the server does not understand this command; is it of another version?',
};

/** What went wrong, as one line: a close of the socket, what the server answered, or the network. */
function reasonOf(error: unknown): string {
  if (Array.isArray(error)) return (error as readonly { message: string }[]).map(({ message }) => message).join('; ');
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  if (typeof code === 'number') return REFUSED[code] ?? `the connection was closed (${code})`;
  // Of ws it is an ErrorEvent: its message is the system's, or `Unexpected server response: 501`.
  const said: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'message') : undefined;
  return `cannot be reached (${typeof said === 'string' && said !== '' ? said : 'no answer'}); is Whydrop running there?`;
}

/** Answers of one subscription over `graphql-transport-ws`. */
export async function* subscribing<T>(
  url: string,
  token: string,
  request: { readonly query: string; readonly variables: Record<string, unknown> },
  onLost: () => void,
): AsyncGenerator<T> {
  let connected = 0;
  const client = createClient({
    url: new URL('/graphql', url.replace(/^http/, 'ws')).href,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
    retryAttempts: Number.MAX_SAFE_INTEGER,
    shouldRetry: (event) =>
      connected > 0 &&
      !((event as { code?: number }).code !== undefined && (event as { code: number }).code in REFUSED),
    on: {
      connected: () => {
        connected += 1;
        if (connected > 1) onLost();
      },
    },
  });
  try {
    for await (const { data, errors } of client.iterate(request) as AsyncIterable<Answer>) {
      if (errors?.[0]) throw new UsageError(`${url}: ${errors[0].message}`);
      yield data as T;
    }
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(`${url}: ${reasonOf(error)}`);
  } finally {
    await client.dispose();
  }
}
