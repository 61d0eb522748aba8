import type { Principal } from '@whydrop/storage';
import type { Loaders } from './loaders.js';

/** What every resolver of one request shares. */
export interface GraphqlContext {
  readonly principal: Principal;
  readonly loaders: Loaders;
  readonly requestId: string;
  /** Set before execution, shown in the answer's extensions. */
  cost?: number;
}
