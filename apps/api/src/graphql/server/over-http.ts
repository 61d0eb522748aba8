import type { GraphQLError } from 'graphql';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GRAPHQL_PATH } from './graphql.config.js';
import type { GraphqlErrorCode } from './graphql-error.js';
import { answerTypeOf, LEGACY_JSON } from './media-type.js';
import type { PersistedQueries } from './persisted-queries.js';

type Parameters = Record<string, unknown>;

const isMap = (value: unknown): value is Parameters =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';

/** In an address everything is text; `variables` and `extensions` are JSON there. */
const OF_BODY = { query: isText, operationName: isText, variables: isMap, extensions: isMap };
const OF_ADDRESS = { query: isText, operationName: isText, variables: isText, extensions: isText };

const isPersisted = ({ extensions }: Parameters): boolean =>
  isText(extensions) ? extensions.includes('persistedQuery') : isMap(extensions) && isMap(extensions['persistedQuery']);

/** Takes parameters that are null for absent ones. Gives what is wrong with the others, as one sentence. */
function normalise(parameters: Parameters, shapes: Record<string, (value: unknown) => boolean>): string | undefined {
  for (const [name, fits] of Object.entries(shapes)) {
    if (parameters[name] === null || parameters[name] === undefined) delete parameters[name];
    else if (!fits(parameters[name])) return `${name}: must be ${fits === isText ? 'a string' : 'an object'}`;
  }
  if (!parameters['query'] && !isPersisted(parameters)) return 'the request holds no query';
  return undefined;
}

async function refuse(request: FastifyRequest, reply: FastifyReply, message: string): Promise<void> {
  const code: GraphqlErrorCode = 'GRAPHQL_VALIDATION_FAILED';
  await reply.status(400).send({ errors: [{ message, extensions: { code, requestId: request.id } }] });
}

/** A hash that is not known is no fault of the client: the older media type says 200, as for any other query that cannot be run. */
async function refuseQuery(request: FastifyRequest, reply: FastifyReply, error: GraphQLError): Promise<void> {
  const unknown = error.extensions['code'] === 'PERSISTED_QUERY_NOT_FOUND';
  const status = unknown && answerTypeOf(request.headers.accept) === LEGACY_JSON ? 200 : 400;
  const { message, extensions } = error;
  await reply.status(status).send({ errors: [{ message, extensions: { ...extensions, requestId: request.id } }] });
}

const textIn = (query: unknown): string | undefined => (isText(query) && query !== '' ? query : undefined);

/** Of an address they are JSON; what is none is told by who reads them next. */
function extensionsOf(extensions: unknown): unknown {
  if (!isText(extensions)) return extensions;
  try {
    return JSON.parse(extensions);
  } catch {
    return undefined;
  }
}

const isGraphql = (request: FastifyRequest): boolean => request.raw.url?.split('?', 1)[0] === GRAPHQL_PATH;

/**
 * GraphQL over HTTP where the server under it is laxer than the draft: what it is asked in and what it answers in. Which
 * status an error has is said in one place, `statusOf`.
 */
export function speakGraphqlOverHttp(server: FastifyInstance, queries: PersistedQueries): void {
  // Last of all, because the server takes a content type back when an error comes.
  server.addHook('onSend', (request, reply, _payload, done) => {
    if (isGraphql(request)) {
      void reply
        .header('content-type', `${answerTypeOf(request.headers.accept)}; charset=utf-8`)
        .header('vary', 'accept');
    }
    done();
  });
  server.addHook('preValidation', async (request, reply) => {
    if (!isGraphql(request) || request.headers.upgrade !== undefined) return;
    const [parameters, shapes] = request.method === 'GET' ? [request.query, OF_ADDRESS] : [request.body, OF_BODY];
    if (!isMap(parameters)) return refuse(request, reply, 'the body must be one JSON object with a query');
    const wrong = normalise(parameters, shapes);
    if (wrong !== undefined) return refuse(request, reply, wrong);
    const text = queries.textOf(textIn(parameters['query']), extensionsOf(parameters['extensions']));
    if (typeof text === 'string') parameters['query'] = text;
    else if (text) return refuseQuery(request, reply, text);
  });
}
