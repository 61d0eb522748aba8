import { Counter, Gauge, type Registry } from 'prom-client';

/** What the watcher says of itself to Prometheus. */
export function watchMetrics(registers: Registry[]) {
  return {
    heard: new Gauge({
      name: 'whydrop_watch_last_heard_timestamp_seconds',
      help: 'when the Kubernetes API last said something of a kind: an event, a bookmark or a list',
      labelNames: ['kind'],
      registers,
    }),
    troubles: new Counter({
      name: 'whydrop_watch_restarts_total',
      help: 'watches that had to be begun again, by kind',
      labelNames: ['kind'],
      registers,
    }),
    objects: new Gauge({ name: 'whydrop_watch_objects', help: 'objects that are known', registers }),
  };
}
