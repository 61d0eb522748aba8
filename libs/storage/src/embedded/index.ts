export { startEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './postgres.js';
export { provideDatabase, type ProvidedDatabase } from './provide.js';
