import type { FlowEmitter } from '@whydrop/model';
import { hubbleReason } from './cilium-hubble/reason.js';
import { contrailReason } from './contrail-flow/reason.js';
import type { ReasonMeaning } from './contrail-flow/reason.js';

export type { ReasonMeaning } from './contrail-flow/reason.js';

/** What the reason of a flow verdict means, in the words of its emitter; undefined where that says nothing more. */
export function meaningOfReason(emitter: FlowEmitter, reason: string): ReasonMeaning | undefined {
  if (emitter === 'contrail') return contrailReason(reason);
  return emitter === 'cilium' ? hubbleReason(reason) : undefined;
}
