export { claimDeliveries, dueReceivers, type Claim, type DueReceiver } from './claim.js';
export { enqueueDeliveries, type Enqueued } from './enqueue.js';
export {
  finishDelivery,
  releaseClaims,
  type Attempt as DeliveryTry,
  type Verdict as DeliveryVerdict,
} from './finish.js';
export { messageKey } from './message-key.js';
export {
  createReceiver,
  deleteReceiver,
  findReceiver,
  listReceivers,
  openSecrets,
  secretsOf,
  updateReceiver,
  type NewReceiver,
  type ReceiverChange,
  type ReceiverRow,
} from './receiver.store.js';
export { enqueueAlone, pruneDeliveries, redeliver } from './replay.js';
export { NoSecretKey, openSecretBox, secretBox, type SecretBox, type Sealed } from './secret-box.js';
