/** Resolves when what it looks at can do its work, rejects with the reason when it cannot. */
export type HealthCheck = () => Promise<unknown>;

export interface HealthReport {
  readonly ready: boolean;
  /** Per check `ok`, or what is wrong. */
  readonly checks: Readonly<Record<string, string>>;
}

const CHECK_MS = 2_000;

async function outcome(check: HealthCheck): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_MS / 1000} s`)), CHECK_MS);
  });
  try {
    await Promise.race([check(), late]);
    return 'ok';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}

/** What a process needs to do its work. Everybody who opens something adds how to look at it. */
export class Health {
  private readonly checks = new Map<string, HealthCheck>();

  add(name: string, check: HealthCheck): this {
    this.checks.set(name, check);
    return this;
  }

  /** Looks at everything at once; what does not answer within two seconds is not ready. */
  async report(): Promise<HealthReport> {
    const entries = await Promise.all(
      [...this.checks].map(async ([name, check]) => [name, await outcome(check)] as const),
    );
    return { ready: entries.every(([, text]) => text === 'ok'), checks: Object.fromEntries(entries) };
  }
}
