export { dataHome } from './data-home.js';
export { type LogLevel, openLog } from './log.js';
