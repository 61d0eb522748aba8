import type { IncomingMessage } from 'node:http';
import type { Principal, Reader } from '@whydrop/storage';
import type { ExecutionResult, GraphQLError, GraphQLSchema } from 'graphql';
import { CloseCode, type Context, type ServerOptions } from 'graphql-ws';
import { principalOf } from '../../auth/bearer.js';
import { mayAct } from '../../auth/token.guard.js';
import { ApiError } from '../../http/api-error.js';
import { SILENT, type ApiOptions, type Log } from '../../options.js';
import { MAX_COST } from '../server/cost-limit.js';
import { formatErrors } from '../server/error-formatter.js';
import { badInput, graphqlError } from '../server/graphql-error.js';
import type { PersistedQueries } from '../server/persisted-queries.js';
import { operationOf, subscribeTo, type Operation } from './operations.js';

/** What is kept of one socket. */
export interface Extra {
  readonly request: IncomingMessage;
  readonly close: (code: number, reason: string) => void;
  readonly onClose: (() => void)[];
  principal?: Principal;
}

type Parameters = Record<string, unknown>;
type Socket = Context<Parameters, Extra>;

const INIT_WAIT_MS = 3_000;
/** Subscriptions and queries of one socket at a time. */
const MOST_OPERATIONS = 50;
/** A token that is revoked or runs out ends its sockets within this. */
const RECHECK_MS = 30_000;

/** The token of `connection_init`: `{"authorization": "Bearer whd_…"}`, as of a request's header. */
function headerOf({ connectionParams, extra }: Socket): string | undefined {
  const given = connectionParams?.['authorization'] ?? connectionParams?.['Authorization'];
  return typeof given === 'string' ? given : extra.request.headers.authorization;
}

async function principalOfSocket(socket: Socket, options: ApiOptions): Promise<Principal | undefined> {
  try {
    const principal = await principalOf(options, headerOf(socket));
    return mayAct(principal, 'viewer') ? principal : undefined;
  } catch (error) {
    if (error instanceof ApiError && error.status < 500) return undefined;
    throw error;
  }
}

/** Asks again and again whether the token still holds. A database that is away says nothing about it. */
function recheck(socket: Socket, options: ApiOptions): void {
  const timer = setInterval(() => {
    principalOfSocket(socket, options).then(
      (principal) => {
        if (principal) socket.extra.principal = principal;
        else socket.extra.close(CloseCode.Forbidden, 'the token holds no more');
      },
      () => undefined,
    );
  }, options.socketRecheckMs ?? RECHECK_MS);
  timer.unref();
  socket.extra.onClose.push(() => clearInterval(timer));
}

function shown(errors: readonly GraphQLError[], started: boolean, requestId: string, log: Log) {
  return formatErrors(errors, started, requestId, log);
}

function answerOf(args: Operation, { data, errors }: ExecutionResult, log: Log) {
  const { requestId, cost } = args.contextValue;
  const extensions = { cost: { requested: cost, limit: MAX_COST } };
  return { data: data ?? null, ...(errors ? { errors: shown(errors, true, requestId, log) } : {}), extensions };
}

/** What is done when a socket opens, asks and is answered. Closes 4403 for a token that is none, 4408 for none in time. */
export function protocolOf(
  schema: () => GraphQLSchema,
  reader: Reader,
  queries: PersistedQueries,
  options: ApiOptions,
): ServerOptions<Parameters, Extra> {
  const log = options.log ?? SILENT;
  return {
    connectionInitWaitTimeout: INIT_WAIT_MS,
    onConnect: async (socket) => {
      const principal = await principalOfSocket(socket, options);
      if (!principal) return false;
      socket.extra.principal = principal;
      recheck(socket, options);
      return true;
    },
    onSubscribe: ({ extra, subscriptions }, _id, payload) => {
      if (!extra.principal) return [graphqlError('UNAUTHENTICATED', 'a bearer token is needed')];
      if (Object.keys(subscriptions).length > MOST_OPERATIONS)
        return [graphqlError('RATELIMITED', `one connection asks for ${MOST_OPERATIONS} things at a time`)];
      const query = queries.textOf(payload.query || undefined, payload.extensions);
      if (query === undefined) return [badInput('the request holds no query')];
      if (typeof query !== 'string') return [query];
      return operationOf(schema(), reader, extra.principal, { ...payload, query }, options);
    },
    subscribe: (args) => subscribeTo(reader, args) as Promise<AsyncIterableIterator<ExecutionResult>>,
    onNext: (_socket, _id, _payload, args, result) => answerOf(args as Operation, result, log),
    onError: (_socket, id, _payload, errors) => shown(errors, false, id, log),
  };
}
