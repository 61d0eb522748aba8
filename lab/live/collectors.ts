import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Lab } from '../src/lab.js';
import { LabError, labFolder, start, stop } from '../src/shell.js';

export interface CollectorWords {
  readonly url: string;
  readonly token: string;
  readonly interval: string;
  readonly nflogGroups: readonly number[];
  /** Also reports every new connection, by a rule of its own. */
  readonly observe: boolean;
  /** Below it every node's spool. */
  readonly folder: string;
}

/** A collector in every node's namespace, as it runs on a node. */
export class LabCollectors {
  private readonly children: ChildProcess[] = [];
  private said = '';

  constructor(
    private readonly lab: Lab,
    private readonly words: CollectorWords,
  ) {}

  async start(): Promise<void> {
    const program = join(labFolder(), '..', 'bin', 'whydrop');
    const { url, token, interval, nflogGroups, folder, observe } = this.words;
    for (const { name } of this.lab.scenario.nodes) {
      const namespace = this.lab.fabric.namespaceOf({ kind: 'node', name });
      const child = start(namespace, [
        ...[process.execPath, program, 'collector', '--url', url, '--token', token],
        ...['--cluster', this.lab.scenario.cluster, '--node', name, '--spool', join(folder, name)],
        ...['--interval', interval, ...(nflogGroups.length > 0 ? ['--nflog-groups', nflogGroups.join(',')] : [])],
        ...(observe ? ['--observe-new', '50'] : []),
      ]);
      child.stderr?.on('data', (text: Buffer) => (this.said += text.toString()));
      this.children.push(child);
    }
    await this.untilReading();
  }

  private async untilReading(): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      const reading = this.said.split('the collector is reading').length - 1;
      // A moment more for the tools that it starts.
      if (reading === this.children.length) return wait(1_500);
      const ended = this.children.find((child) => child.exitCode !== null);
      if (ended) break;
      await wait(100);
    }
    throw new LabError(`a collector does not start: ${this.said}`);
  }

  /** What they logged. */
  get log(): string {
    return this.said;
  }

  async stop(): Promise<void> {
    await Promise.all(this.children.map((child) => stop(child)));
  }
}
