export { dataHome } from './data-home.js';
