import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { GraphQLError } from 'graphql';
import { LRUCache } from 'lru-cache';
import { graphqlError } from './graphql-error.js';

/** Queries by the SHA-256 of their text, in hex. */
export type QueryList = ReadonlyMap<string, string>;

export interface PersistedQueries {
  /** Text of a request's query; an error when the hash is not known, is another query's, or the query is not listed. */
  textOf(query: string | undefined, extensions: unknown): string | GraphQLError | undefined;
}

/** Text of queries that are remembered at most. */
const MOST_BYTES = 8 * 1024 * 1024;

export const hashOf = (query: string): string => createHash('sha256').update(query).digest('hex');

function refused(message: string): GraphQLError {
  return graphqlError('PERSISTED_QUERY_NOT_FOUND', message);
}

/** `{version: 1, sha256Hash}` of the request's extensions, as Apollo's clients send it. */
function askedHash(extensions: unknown): string | GraphQLError | undefined {
  if (typeof extensions !== 'object' || extensions === null) return undefined;
  const persisted: unknown = Reflect.get(extensions, 'persistedQuery');
  if (typeof persisted !== 'object' || persisted === null) return undefined;
  const hash: unknown = Reflect.get(persisted, 'sha256Hash');
  const isOurs = Reflect.get(persisted, 'version') === 1 && typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash);
  return isOurs ? hash : graphqlError('BAD_USER_INPUT', 'extensions.persistedQuery: must be {version: 1, sha256Hash}');
}

/**
 * Automatic persisted queries: a client sends the hash, and the text once when the hash is not known. With a list, only
 * what is in it is answered, by hash or by text.
 */
export function openPersistedQueries(list?: QueryList): PersistedQueries {
  const remembered = new LRUCache<string, string>({ maxSize: MOST_BYTES, sizeCalculation: (text) => text.length + 64 });
  return {
    textOf(query, extensions) {
      const hash = askedHash(extensions);
      if (hash !== undefined && typeof hash !== 'string') return hash;
      if (query === undefined) {
        if (hash === undefined) return undefined;
        return list?.get(hash) ?? remembered.get(hash) ?? refused('PersistedQueryNotFound');
      }
      const own = hash === undefined && !list ? undefined : hashOf(query);
      if (hash !== undefined && hash !== own)
        return graphqlError('BAD_USER_INPUT', 'extensions.persistedQuery: the hash is not that of the query');
      if (list && !list.has(own ?? '')) return refused('this server answers only the queries of its list');
      if (hash !== undefined) remembered.set(hash, query);
      return query;
    },
  };
}

/** Reads a list: a JSON array of queries, or an object whose values are. Throws with the file and what is wrong in it. */
export function readQueryList(file: string): QueryList {
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const queries: readonly unknown[] = Array.isArray(parsed) ? parsed : Object.values(parsed ?? {});
  return new Map(
    queries.map((query, i) => {
      if (typeof query !== 'string') throw new Error(`${file}: entry ${i + 1} is no query but ${typeof query}`);
      return [hashOf(query), query];
    }),
  );
}

/** The list that a file's name (WHYDROP_QUERIES) stands for; none when there is no name. */
export function queryListOf(file: string | undefined): { readonly queryList?: QueryList } {
  return file ? { queryList: readQueryList(file) } : {};
}
