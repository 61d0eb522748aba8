export { enqueueDeliveries, type Enqueued } from './enqueue.js';
