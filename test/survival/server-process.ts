import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessPlan {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Its stdout and stderr are appended here. */
  readonly log: string;
}

/** What runs goes with us, however we end; kill -9 excepted. */
const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** A process that is started again when it ends, as a supervisor would, until it is stopped. */
export class ServerProcess {
  private child: ChildProcess | undefined;
  private wanted = false;
  /** Ends that nobody asked for, with how it ended. */
  readonly ends: string[] = [];
  private asked = false;

  constructor(
    readonly plan: ProcessPlan,
    private readonly restartMs = 250,
  ) {}

  get name(): string {
    return this.plan.name;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  start(): void {
    this.wanted = true;
    this.spawn();
  }

  private spawn(): void {
    const { command, args, env, log } = this.plan;
    const output = openSync(log, 'a');
    const child = spawn(command, args, { env, stdio: ['ignore', output, output] });
    closeSync(output);
    this.child = child;
    running.add(child);
    this.asked = false;
    child.once('error', (error) => this.ends.push(error.message));
    child.once('exit', (code, signal) => void this.ended(child, `${signal ?? `exit code ${code}`}`));
  }

  private async ended(child: ChildProcess, how: string): Promise<void> {
    running.delete(child);
    if (!this.asked) this.ends.push(how);
    if (this.child === child) this.child = undefined;
    await sleep(this.restartMs);
    if (this.wanted && !this.child) this.spawn();
  }

  signal(signal: NodeJS.Signals): boolean {
    return this.child?.kill(signal) ?? false;
  }

  /** kill -9; it comes up again by itself. False when it was just down. */
  async kill(): Promise<boolean> {
    const { child } = this;
    if (!child || child.exitCode !== null) return false;
    this.asked = true;
    const gone = once(child, 'exit');
    if (!child.kill('SIGKILL')) return false;
    await gone;
    return true;
  }

  /** Ends it for good. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.wanted = false;
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    this.asked = true;
    const gone = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(signal);
    await gone;
  }
}
