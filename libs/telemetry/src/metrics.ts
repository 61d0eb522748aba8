import { readFileSync } from 'node:fs';
import path from 'node:path';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** The version in the nearest package.json above this file: of the sources, or of what was built of them. */
function ownVersion(folder = import.meta.dirname): string {
  const parent = path.dirname(folder);
  try {
    const { name, version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
      readonly name?: string;
      readonly version?: string;
    };
    if (name === 'whydrop') return version ?? 'unknown';
  } catch {
    // not in this folder
  }
  return parent === folder ? 'unknown' : ownVersion(parent);
}

/** Gauges that are named like counters; the same numbers are there by type, without the suffix. */
const MISNAMED = ['active_handles_total', 'active_requests_total', 'active_resources_total'];

/** The metrics of one process, with those of the process itself: memory, processor, event loop. `process` is a label of all. */
export function openMetrics(process: string, version: string = ownVersion()): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ process });
  collectDefaultMetrics({ register: registry, prefix: 'whydrop_' });
  for (const name of MISNAMED) registry.removeSingleMetric(`whydrop_nodejs_${name}`);
  const help = 'Always 1; the version is a label.';
  const info = new Gauge({ name: 'whydrop_build_info', help, labelNames: ['version'], registers: [registry] });
  info.set({ version }, 1);
  return registry;
}
