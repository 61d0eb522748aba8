import { collectDefaultMetrics, Registry } from 'prom-client';

/** The metrics of one process, with those of the process itself: memory, processor, event loop. `process` is a label of all. */
export function openMetrics(process: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ process });
  collectDefaultMetrics({ register: registry, prefix: 'whydrop_' });
  return registry;
}
