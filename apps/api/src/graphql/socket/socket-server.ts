import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Reader } from '@whydrop/storage';
import type { GraphQLSchema } from 'graphql';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import { WebSocketServer, type WebSocket } from 'ws';
import type { ApiOptions } from '../../options.js';
import { GRAPHQL_PATH } from '../server/graphql.config.js';
import type { PersistedQueries } from '../server/persisted-queries.js';
import { protocolOf, type Extra } from './protocol.js';

const KEEP_ALIVE_MS = 12_000;
const MAX_MESSAGE = 1024 * 1024;
/** Open sockets of one process at most. */
const MOST_SOCKETS = 1_000;

/** Ends a socket whose other end is gone: it did not answer the last ping. */
function keepAlive(socket: WebSocket): void {
  let answered = true;
  socket.on('pong', () => (answered = true));
  const timer = setInterval(() => {
    if (!answered) return socket.terminate();
    answered = false;
    socket.ping();
  }, KEEP_ALIVE_MS);
  socket.once('close', () => clearInterval(timer));
}

/** Resolves when the data is with the kernel: whoever sends waits for a client that does not read. */
function send(socket: WebSocket, data: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.readyState !== socket.OPEN) return resolve();
    socket.send(data, (error) => (error ? reject(error) : resolve()));
  });
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

/** GraphQL over WebSocket (`graphql-transport-ws`) at the path of GraphQL. Gives what closes all sockets. */
export function serveSockets(
  http: Server,
  schema: () => GraphQLSchema,
  reader: Reader,
  queries: PersistedQueries,
  options: ApiOptions,
): () => void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE, handleProtocols });
  const server = makeServer<Record<string, unknown>, Extra>(protocolOf(schema, reader, queries, options));

  function opened(socket: WebSocket, request: IncomingMessage): void {
    keepAlive(socket);
    socket.on('error', () => socket.terminate());
    const extra: Extra = { request, close: (code, reason) => socket.close(code, reason), onClose: [] };
    const closed = server.opened(
      {
        protocol: socket.protocol,
        send: (data) => send(socket, data),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (hear) =>
          void socket.on('message', (data: Buffer) => {
            hear(String(data)).catch(() => socket.close(CloseCode.InternalServerError, 'internal error'));
          }),
      },
      extra,
    );
    socket.once('close', (code: number, reason: Buffer) => {
      for (const each of extra.onClose) each();
      void closed(code, String(reason));
    });
  }

  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.url?.split('?', 1)[0] !== GRAPHQL_PATH) return refuse(socket, '404 Not Found');
    if (sockets.clients.size >= MOST_SOCKETS) return refuse(socket, '503 Service Unavailable');
    sockets.handleUpgrade(request, socket, head, opened);
  });
  return () => {
    for (const socket of sockets.clients) socket.close(1001, 'the server stops');
    setTimeout(() => {
      for (const socket of sockets.clients) socket.terminate();
    }, 500).unref();
  };
}
