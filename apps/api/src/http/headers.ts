import helmet from '@fastify/helmet';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError } from './api-error.js';

const GRAPHIQL_PATH = '/graphiql';

const pathOf = (request: FastifyRequest) => request.raw.url?.split('?', 1)[0] ?? '';

/**
 * Headers for browsers: what we answer is data, which nothing may frame, run or guess a type of. The page has a policy of
 * its own; GraphiQL, which is off unless asked for, loads itself from elsewhere.
 */
export async function sendSafeHeaders(server: FastifyInstance): Promise<void> {
  await server.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': [`'none'`],
        'base-uri': [`'none'`],
        'form-action': [`'none'`],
        'frame-ancestors': [`'none'`],
      },
    },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
  });
  server.addHook('onSend', (request, reply, _payload, done) => {
    const path = pathOf(request);
    if (path.startsWith(GRAPHIQL_PATH)) void reply.removeHeader('content-security-policy');
    // Answers are whose token asked for them: nobody on the way keeps them.
    if (path === '/graphql') void reply.header('cache-control', 'no-store');
    done();
  });
}

/** Anything else would be answered as if there were nothing at this path. Throws the 405. */
export function checkMethod({ method }: FastifyRequest): void {
  if (method === 'GET' || method === 'POST') return;
  throw new ApiError(405, 'BAD_REQUEST', `send GET or POST, not ${method}`, {}, { allow: 'GET, POST' });
}

/** A page of another site can send forms and plain text without asking first, JSON it cannot. Throws the 415. */
export function checkContentType({ method, headers }: FastifyRequest): void {
  if (method !== 'POST') return;
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/json') return;
  throw new ApiError(415, 'BAD_REQUEST', `send content-type: application/json${type ? `, not ${type}` : ''}`);
}
