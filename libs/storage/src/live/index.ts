export { type Hear, type LiveChange, type LiveFeed, openLiveFeed } from './feed.js';
export { notifyObserved, OBSERVED_CHANNEL } from './observed.js';
