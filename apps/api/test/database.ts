import { openDatabase, type Database } from '@whydrop/storage';
import { testDatabase } from '@whydrop/testing';

export interface OpenTestDatabase extends Database {
  readonly url: string;
  /** Closes the pools and removes the database. */
  drop(): Promise<void>;
}

/** A database for one test file, with its pools. */
export async function openTestDatabase(): Promise<OpenTestDatabase> {
  const test = await testDatabase();
  const { url } = test;
  const database = openDatabase(url);
  return {
    ...database,
    url,
    drop: async () => {
      await database.close();
      await test.drop();
    },
  };
}
