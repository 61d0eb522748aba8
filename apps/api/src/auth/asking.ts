import { AsyncLocalStorage } from 'node:async_hooks';
import type { Principal, Reader, Scope } from '@whydrop/storage';

const asking = new AsyncLocalStorage<Principal>();

/** Runs `work`, and all that it sets off, in the name of this principal: readers show what it may see. */
export function askedBy<T>(principal: Principal, work: () => T): T {
  return asking.run(principal, work);
}

/** The same function, which runs in the name of whoever is asking now, whenever and by whom it is called. */
export const asAsked: <F extends (...args: never[]) => unknown>(work: F) => F = (work) => AsyncLocalStorage.bind(work);

/** A reader of which everything is read in the name of this principal. */
export function readerAs(principal: Principal, reader: Reader): Reader {
  return { ...reader, rows: (statement) => askedBy(principal, () => reader.rows(statement)) };
}

/** What a principal sees; undefined: everything. */
function scopeOf({ namespaces, cluster }: Principal): Scope | undefined {
  return namespaces === undefined ? undefined : { namespaces, cluster };
}

/** A reader that shows what whoever is asking may see, and nothing when nobody is. */
export function readerOfAsking(reader: Reader): Reader {
  return {
    rows: (statement) => {
      const principal = asking.getStore();
      if (!principal) return Promise.reject(new Error('a statement was read in nobody’s name'));
      return reader.rows(statement, scopeOf(principal));
    },
    close: () => reader.close(),
  };
}
