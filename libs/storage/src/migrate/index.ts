export { migrate, MigrationError, type MigrationResult } from './migrate.js';
