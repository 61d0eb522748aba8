import { expositionOf, type MetricFamily } from './exposition.js';

/** What /metrics answers. prom-client's registry is one. */
export interface Metrics {
  readonly contentType: string;
  metrics(): Promise<string>;
}

export interface StoredMetricsOptions {
  /** Reads the series of everything that is stored. */
  readonly read: () => Promise<readonly MetricFamily[]>;
  /** How long one reading is given out; several Prometheus servers cost one. */
  readonly keepMs?: number;
  /** Milliseconds; for tests. */
  readonly now?: () => number;
}

const KEEP_MS = 5_000;

const readable = (value: 0 | 1): MetricFamily => ({
  name: 'whydrop_stored_metrics_readable',
  help: '1 when PostgreSQL told the series of what is stored, 0 when it could not.',
  type: 'gauge',
  samples: [{ labels: {}, value }],
});

/** The metrics of the process, and beside them what is stored: the same from every process of an installation. */
export class StoredMetrics implements Metrics {
  private kept: { readonly at: number; readonly text: Promise<string> } | undefined;
  private readonly now: () => number;

  constructor(
    private readonly process: Metrics,
    private readonly options: StoredMetricsOptions,
  ) {
    this.now = options.now ?? (() => performance.now());
  }

  get contentType(): string {
    return this.process.contentType;
  }

  async metrics(): Promise<string> {
    const [own, stored] = await Promise.all([this.process.metrics(), this.stored()]);
    return `${own.trimEnd()}\n${stored}`;
  }

  private stored(): Promise<string> {
    const at = this.now();
    if (!this.kept || at - this.kept.at >= (this.options.keepMs ?? KEEP_MS)) this.kept = { at, text: this.read() };
    return this.kept.text;
  }

  /** A scrape that fails would take the metrics of the process with it. */
  private async read(): Promise<string> {
    try {
      return expositionOf([readable(1), ...(await this.options.read())]);
    } catch {
      return expositionOf([readable(0)]);
    }
  }
}
