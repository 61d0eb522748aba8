export { guard, type Stopping } from './guard.js';
export { choosePort, freePort } from './port.js';
export { Users } from './users.js';
