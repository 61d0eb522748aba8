import {
  policiesByKeyStatement,
  policyVersionsStatement,
  type PolicyRow,
  readPolicies,
  readWorkloads,
  workloadsByKeyStatement,
  type WorkloadRow,
  groupsByIdStatement,
  latestDropsStatement,
  readDeliveryAttempts,
  readChangedSince,
  readDrops,
  readDropsById,
  readExplanations,
  readGroups,
  type DeliveryAttemptRow,
  type DropGroupRow,
  type DropRow,
  readTogether,
  type Reader,
  type Statement,
} from '@whydrop/storage';
import type { Change } from '@whydrop/model';
import DataLoader from 'dataloader';
import type { Explanation } from './explanation/explanation.type.js';
import { explanationOf } from './explanation/explanation.view.js';

type Maybe<T> = T | undefined;

/** One set per request: everything of a kind that a request asks for comes with one query. */
export interface Loaders {
  /** For lists within lists: statements that differ in values only are read with one. */
  readonly together: Reader;
  readonly drop: DataLoader<string, Maybe<DropRow>>;
  readonly dropGroup: DataLoader<string, Maybe<DropGroupRow>>;
  readonly latestDrop: DataLoader<string, Maybe<DropRow>>;
  readonly changedSince: DataLoader<string, readonly Change[]>;
  readonly deliveryAttempts: DataLoader<string, readonly DeliveryAttemptRow[]>;
  readonly explanation: DataLoader<string, Maybe<Explanation>>;
  readonly policy: DataLoader<string, Maybe<PolicyRow>>;
  readonly policyVersions: DataLoader<string, readonly PolicyRow[]>;
  readonly workload: DataLoader<string, Maybe<WorkloadRow>>;
}

function byKey<Row>(read: (keys: readonly string[]) => Promise<readonly Row[]>, keyOf: (row: Row) => string) {
  return new DataLoader<string, Maybe<Row>>(
    async (keys) => {
      const rows = new Map((await read(keys)).map((row) => [keyOf(row), row]));
      return keys.map((key) => rows.get(key));
    },
    { maxBatchSize: 1000 },
  );
}

function together(reader: Reader): Reader {
  const lists = new DataLoader((statements: readonly Statement[]) => readTogether<unknown>(reader, statements), {
    cache: false,
  });
  return { ...reader, rows: async <Row>(statement: Statement) => (await lists.load(statement)) as readonly Row[] };
}

export function createLoaders(reader: Reader): Loaders {
  return {
    together: together(reader),
    drop: byKey(
      (ids) => readDropsById(reader, ids),
      (row) => row.askedAs,
    ),
    dropGroup: byKey(
      (ids) => readGroups(reader, groupsByIdStatement(ids)),
      (row) => row.id,
    ),
    latestDrop: byKey(
      (ids) => readDrops(reader, latestDropsStatement(ids)),
      (row) => row.groupId,
    ),
    policy: byKey(
      (keys) => readPolicies(reader, policiesByKeyStatement(keys)),
      (row) => row.key,
    ),
    policyVersions: new DataLoader(
      async (keys) => {
        const found = await readPolicies(reader, policyVersionsStatement(keys));
        return keys.map((key) => found.filter((row) => row.key === key));
      },
      { maxBatchSize: 200 },
    ),
    workload: byKey(
      (keys) => readWorkloads(reader, workloadsByKeyStatement(keys)),
      (row) => row.key,
    ),
    changedSince: new DataLoader(
      async (ids) => {
        const found = await readChangedSince(reader, ids);
        return ids.map((id) => found.get(id) ?? []);
      },
      { maxBatchSize: 200 },
    ),
    deliveryAttempts: new DataLoader(
      async (ids) => {
        const found = await readDeliveryAttempts(reader, ids);
        return ids.map((id) => found.filter(({ deliveryId }) => deliveryId === id));
      },
      { maxBatchSize: 500 },
    ),
    explanation: new DataLoader(
      async (ids) => {
        const found = new Map((await readExplanations(reader, ids)).map(({ id, body }) => [id, explanationOf(body)]));
        return ids.map((id) => found.get(id));
      },
      { maxBatchSize: 1000 },
    ),
  };
}
