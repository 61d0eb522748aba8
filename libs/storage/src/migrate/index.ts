export { migrate, MigrationError, type MigrationResult } from './migrate.js';
export { migrateWhenAvailable, type Patience } from './patient.js';
