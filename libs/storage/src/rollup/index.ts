export { addUpSlices } from './add-up-slices.js';
export { type Dimension, DIMENSIONS, type TrendCondition } from './dimensions.js';
export { loadSeries, type LoadSeries, type Series } from './series.js';
export { loadSeen } from './seen.js';
export { loadTopGroups, type LoadTopGroups, type TopGroup } from './top-groups.js';
