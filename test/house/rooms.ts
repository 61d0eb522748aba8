/** What a room may import beside its own files and node's modules. The table of the house; imports.spec.ts holds it against the sources. */
export interface Room {
  /** Rooms below it. */
  readonly rooms: readonly string[];
  /** Packages; a trailing `/` stands for all of a scope. */
  readonly packages: readonly string[];
  /** Plain functions: no file system, environment, network, clock or chance; time comes in as an argument. */
  readonly pure?: true;
}

const FIRST = ['libs/decoders', 'libs/ruleset', 'libs/policy', 'libs/rollup', 'libs/contracts'];
const SECOND = [...FIRST, 'libs/explain', 'libs/alerting', 'libs/model'];
const THIRD = [...SECOND, 'libs/storage', 'libs/queue', 'libs/notify', 'libs/telemetry'];

const pure = (rooms: readonly string[], ...packages: readonly string[]): Room => ({ rooms, packages, pure: true });

export const ROOMS: Readonly<Record<string, Room>> = {
  'libs/model': pure([]),

  'libs/decoders': pure(['libs/model'], 'yaml'),
  'libs/ruleset': pure(['libs/model']),
  'libs/policy': pure(['libs/model'], 'yaml'),
  'libs/rollup': pure(['libs/model']),
  'libs/contracts': pure(['libs/model'], 'zod'),

  'libs/explain': pure(['libs/model', ...FIRST]),
  'libs/alerting': pure(['libs/model', ...FIRST], 'yaml', 'zod'),

  // what the servers that we start ourselves have in common
  'libs/embedded': { rooms: [], packages: [] },
  // the only room that knows Prisma and SQL
  'libs/storage': { rooms: [...SECOND, 'libs/embedded'], packages: ['pg', 'pg-copy-streams', '@prisma/', 'lru-cache'] },
  // the only room that knows BullMQ and Redis
  'libs/queue': { rooms: [...SECOND, 'libs/embedded'], packages: ['bullmq', 'ioredis', '@nestjs/'] },
  'libs/notify': { rooms: SECOND, packages: ['undici'] },
  'libs/telemetry': { rooms: SECOND, packages: ['pino', 'prom-client'] },

  // seen by tests only
  'libs/testing': { rooms: THIRD, packages: ['pg', 'fast-check'] },

  'apps/api': {
    rooms: THIRD,
    packages: [
      '@nestjs/',
      '@fastify/',
      'fastify',
      'mercurius',
      'graphql',
      'graphql-query-complexity',
      'graphql-ws',
      'dataloader',
      'jose',
      'lru-cache',
      'reflect-metadata',
      'rxjs',
      'ws',
      'yaml',
      'zod',
    ],
  },
  'apps/worker': { rooms: THIRD, packages: ['@nestjs/', 'reflect-metadata', 'rxjs'] },
  'apps/collector': { rooms: [...SECOND, 'libs/telemetry'], packages: ['prom-client', '@kubernetes/client-node'] },
  'apps/cli': { rooms: THIRD, packages: ['yaml', 'cli-progress', 'graphql-ws', 'reflect-metadata', 'ws'] },
  'apps/web': { rooms: [], packages: ['react', 'react-dom', 'vite', '@vitejs/'] },
};

/** Apps never import apps. `whydrop up`, `collector` and `capture` run them, which is put together in these places. */
export const COMPOSITION = {
  folders: ['apps/cli/src/up/', 'apps/cli/src/collector/', 'apps/cli/src/capture/'],
  rooms: ['apps/api', 'apps/worker', 'apps/collector'],
};
