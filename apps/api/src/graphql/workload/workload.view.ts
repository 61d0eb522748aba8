import type { WorkloadRow } from '@whydrop/storage';
import { globalId } from '../page/global-id.js';
import type { BlockedWorkload } from './workload.type.js';

export function workloadOf({ key, blockedFrom, blockedTo, ...row }: WorkloadRow): BlockedWorkload {
  return {
    __typename: 'BlockedWorkload',
    id: globalId('BlockedWorkload', key),
    ...row,
    dropsFrom: BigInt(blockedFrom),
    dropsTo: BigInt(blockedTo),
  };
}
