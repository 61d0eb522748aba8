import type { Principal, Writer } from '@whydrop/storage';
import type { Loaders } from './loaders.js';

/** What every resolver of one request shares. */
export interface GraphqlContext {
  readonly principal: Principal;
  readonly loaders: Loaders;
  readonly requestId: string;
  /** Set before execution, shown in the answer's extensions. */
  cost?: number;
  /** Of a mutation: the transaction in which it and its line of the audit log are written. */
  readonly writer?: Writer;
}

/** What a mutation writes through. There is none outside of mutations, and none for one that names no audited table. */
export function writerOf({ writer }: Pick<GraphqlContext, 'writer'>): Writer {
  if (!writer) throw new Error('a change that the audit log would not have');
  return writer;
}
