import { createToken, type Database } from '@whydrop/storage';
import type { RunningApi } from '../src/start.js';
import { openTestApi } from './api.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';
import { storeMany, storeStory, T0 } from './story.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Tests read into answers of many shapes.
  readonly data: Data;
  readonly errors: readonly { message: string; path?: unknown; extensions: Record<string, unknown> }[] | undefined;
  readonly extensions: Record<string, unknown> | undefined;
}
interface Found {
  readonly id: string;
  readonly key: string;
  readonly line: number;
}
export interface List {
  readonly totalCount: number;
  readonly nodes: readonly Found[];
  readonly edges: readonly { readonly cursor: string; readonly node: Found }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly endCursor: string | null;
  };
}
/** Parts of answers that tests look into one by one. */
interface Data {
  readonly drops?: List;
  readonly dropGroups?: List;
  readonly flows?: List;
  readonly rejects?: List;
  readonly collectors?: readonly unknown[];
  readonly drop?: Found;
}

/** A server on a database of its own with a story in it; closed when the tests of a file have ended. */
export class StoryServer {
  readonly statements: string[] = [];
  private readonly open: { close(): Promise<void> }[] = [];
  private token = '';
  private main: RunningApi | undefined;
  private database: OpenTestDatabase | undefined;

  /** Opens it before the tests of a file, and closes it after them. */
  static forTests(prepare: (db: OpenTestDatabase) => Promise<void> = () => Promise.resolve()): StoryServer {
    const server = new StoryServer();
    beforeAll(() => server.begin(prepare));
    afterAll(() => server.end());
    return server;
  }

  private async begin(prepare: (db: OpenTestDatabase) => Promise<void>): Promise<void> {
    const db = await openTestDatabase();
    this.database = db;
    await storeStory(db);
    await storeMany(db, 250);
    await prepare(db);
    this.token = await this.tokenOf('viewer');
    this.main = await this.start(db);
  }

  private async end(): Promise<void> {
    for (const each of this.open) await each.close();
    await this.database?.drop();
  }

  get db(): OpenTestDatabase {
    if (!this.database) throw new Error('the server is not open yet');
    return this.database;
  }

  get api(): RunningApi {
    if (!this.main) throw new Error('the server is not open yet');
    return this.main;
  }

  get authorization(): string {
    return `Bearer ${this.token}`;
  }

  async tokenOf(role: 'viewer' | 'ingest' | 'admin'): Promise<string> {
    return (await createToken(this.db, { name: role, role })).text;
  }

  /** One more server, on this or another database. */
  async start(database: Database, statementTimeoutMs?: number): Promise<RunningApi> {
    const now = () => T0 / 1000 + 3_600_000;
    const onStatement = (text: string) => void this.statements.push(text);
    const timeout = statementTimeoutMs === undefined ? {} : { statementTimeoutMs };
    const api = await openTestApi(database, { knownFormats: ['conntrack-events'], now, onStatement, ...timeout });
    this.open.push(api);
    return api;
  }

  async ask(
    query: string,
    variables: object = {},
    as: string | null = this.token,
    to: RunningApi = this.api,
  ): Promise<Answer> {
    const authorization: Record<string, string> = as === null ? {} : { authorization: `Bearer ${as}` };
    const response = await fetch(`${to.url}/graphql`, {
      method: 'POST',
      headers: { ...authorization, 'content-type': 'application/json', accept: 'application/graphql-response+json' },
      body: JSON.stringify({ query, variables }),
    });
    return { status: response.status, headers: response.headers, ...((await response.json()) as object) } as Answer;
  }

  /** Asks three times: plain, while it is compiled, and compiled. All must say the same. */
  async askSteadily(query: string, variables: object = {}): Promise<Answer> {
    const ask = () => this.ask(query, variables);
    const answers = [await ask(), await ask(), await ask()];
    const seen = answers.map(({ status, data, errors }) => ({
      status,
      data,
      errors: errors?.map(({ message, path, extensions }) => ({ message, path, code: extensions['code'] })),
    }));
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).toEqual(seen[0]);
    return answers[2] as Answer;
  }
}

/** The day of the story. */
export const RANGE = { timeRange: { from: '2026-11-20T00:00:00Z', to: '2026-11-21T00:00:00Z' } };

export const DROPS = `query ($filter: DropFilter!, $first: Int, $after: String, $orderBy: DropOrder) {
  drops(filter: $filter, first: $first, after: $after, orderBy: $orderBy) {
    totalCount nodes { key firstSeenAt sentence } edges { cursor node { key } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
