import type { OidcSettings } from './auth/oidc.js';
import type { Database, SecretBox } from '@whydrop/storage';

/** What the API needs of a queue. A failing `enqueue` never fails a request. */
export interface StoreQueue {
  enqueue(name: string, jobId: string, data: object): Promise<unknown>;
}

/** Where the API writes what an operator should know. The shape of pino. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Limits of the ingest endpoint. Sizes in bytes, rates per second and token. */
export interface IngestLimits {
  readonly compressedBytes: number;
  readonly inflatedBytes: number;
  /** Inflated bytes that all requests together may hold in memory. */
  readonly inFlightBytes: number;
  readonly requestsPerSecond: number;
  readonly requestBurst: number;
  readonly bytesPerSecond: number;
  readonly byteBurst: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_INGEST_LIMITS: IngestLimits = {
  compressedBytes: 8 * MIB,
  inflatedBytes: 64 * MIB,
  inFlightBytes: 256 * MIB,
  requestsPerSecond: 500,
  requestBurst: 2000,
  bytesPerSecond: 64 * MIB,
  byteBurst: 256 * MIB,
};

/** What each token may ask of GraphQL, in the units of a query's cost. */
export interface QueryLimits {
  readonly costPerSecond: number;
  readonly costBurst: number;
}

/** Forty of the dearest queries a second; some four hundred at once. */
export const DEFAULT_QUERY_LIMITS: QueryLimits = { costPerSecond: 2_000_000, costBurst: 20_000_000 };

export interface ApiOptions {
  /** Opened and closed by whoever composes the process. */
  readonly database: Database;
  readonly storeQueue: StoreQueue;
  /** Format ids a batch may name; the decoders' registry and our own formats. */
  readonly knownFormats: readonly string[];
  readonly ingestLimits?: Partial<IngestLimits>;
  readonly log?: Log;
  /** Seals what receivers keep secret; left out: no receiver can be made or changed. */
  readonly secrets?: SecretBox;
  /** Serves GraphiQL at /graphiql. Off unless asked for. */
  readonly graphiql?: boolean;
  /** Whether the schema may be asked for (always with a token). On unless told otherwise. */
  readonly introspection?: boolean;
  readonly queryLimits?: Partial<QueryLimits>;
  /** Identity provider whose tokens are believed too. */
  readonly oidc?: OidcSettings;
  /** Folder of the built web page; `startApi` finds that of the checkout by itself. */
  readonly webRoot?: string;
  /** The only queries that are answered, by their hashes; left out: any. */
  readonly queryList?: ReadonlyMap<string, string>;
  /** Milliseconds within which a request has to be there as a whole; a minute when left out. */
  readonly requestTimeoutMs?: number;
  /** Milliseconds that those under way are given when the API closes; ten seconds when left out. */
  readonly closeTimeoutMs?: number;
  /** Milliseconds between looks whether the token of an open socket still holds. */
  readonly socketRecheckMs?: number;
  /** Milliseconds after which Postgres gives up on a query of the GraphQL API. */
  readonly statementTimeoutMs?: number;
  /** Told of every SQL statement of the GraphQL API: for tests and metrics. */
  readonly onStatement?: (text: string) => void;
  /** Milliseconds since 1970; for tests. */
  readonly now?: () => number;
}

/** Injection key of the options. */
export const API_OPTIONS = Symbol('API_OPTIONS');

/** Drops everything: for tests and for whoever passes no log. */
export const SILENT: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Injection key of the reader that read models go through. */
export const READER = Symbol('READER');
