export { testDatabase, type TestDatabase } from './postgres.js';
export { testRedis, testRedisProgram, type TestRedis } from './redis.js';
export {
  type BundleRecords,
  type CapturedBundle,
  capturedBundle,
  readBundleRecords,
  type Without,
} from './captured-bundle.js';
