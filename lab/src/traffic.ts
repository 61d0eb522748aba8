import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { LabError, labFolder, PYTHON, start, stop } from './shell.js';

export interface TrafficRequest {
  readonly kind: 'listen' | 'tcp' | 'udp' | 'icmp' | 'segment';
  readonly protocol?: string;
  readonly to?: string;
  readonly port?: number;
  readonly timeout?: number;
  readonly flags?: readonly string[];
  readonly connection?: string;
  readonly manner?: string;
  readonly sourcePort?: number;
}

/** What the client saw; times in seconds since 1970, `sourcePort` is the echo id of an ICMP attempt. */
export interface TrafficResult {
  readonly result: 'connected' | 'answered' | 'timeout' | 'refused' | 'reset' | 'unreachable' | 'sent' | 'listening';
  readonly sourcePort: number;
  readonly at: number;
  readonly until: number;
}

/** The process that makes the traffic of one network namespace. */
export class TrafficAgent {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, (answer: Record<string, unknown>) => void>();
  private lastId = 0;

  constructor(namespace: string) {
    this.child = start(namespace, [PYTHON, join(labFolder(), 'agent.py')]);
    const lines = createInterface({ input: this.child.stdout ?? process.stdin });
    lines.on('line', (line) => {
      const answer = JSON.parse(line) as Record<string, unknown>;
      this.waiting.get(Number(answer['id']))?.(answer);
    });
    this.child.stderr?.on('data', (text: Buffer) => process.stderr.write(text));
  }

  async ask(request: TrafficRequest): Promise<TrafficResult> {
    const id = (this.lastId += 1);
    const answer = new Promise<Record<string, unknown>>((resolve, reject) => {
      const late = setTimeout(() => reject(new LabError('The traffic agent does not answer')), 60_000);
      this.waiting.set(id, (fields) => {
        clearTimeout(late);
        resolve(fields);
      });
    });
    this.child.stdin?.write(`${JSON.stringify({ id, ...request })}\n`);
    const fields = await answer;
    this.waiting.delete(id);
    if (fields['result'] === 'error') throw new LabError(`Traffic agent: ${String(fields['error'])}`);
    return fields as unknown as TrafficResult;
  }

  stop(): Promise<void> {
    return stop(this.child, 'SIGKILL');
  }
}
