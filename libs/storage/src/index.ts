export { openDatabase, type Database, type Sql } from './database.js';
