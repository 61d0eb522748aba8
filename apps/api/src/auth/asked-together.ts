interface Asked<T> {
  readonly running: Promise<T>;
  /** Answers who asked after the running one had begun. */
  next?: Promise<T>;
}

/** Who waits behind a question that is not answered within this time asks anew: a connection may be dead without saying so. */
const PATIENCE_MS = 1_000;

/** When it has ended, however, or taken too long. */
function endedOrLate(running: Promise<unknown>, patienceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(resolve, patienceMs);
    const end = (): void => {
      clearTimeout(late);
      resolve();
    };
    running.then(end, end);
  });
}

/**
 * A question that many ask at once is asked once for all who came before it was: one at a time for each key, and those
 * who come meanwhile share the next. So no answer is older than the question, and a token that was revoked is refused.
 */
export class AskedTogether<T> {
  private readonly asked = new Map<string, Asked<T>>();

  constructor(
    private readonly answer: (key: string) => Promise<T>,
    private readonly patienceMs = PATIENCE_MS,
  ) {}

  ask(key: string): Promise<T> {
    const asked = this.asked.get(key);
    if (!asked) return this.begin(key);
    asked.next ??= endedOrLate(asked.running, this.patienceMs).then(() => this.begin(key));
    return asked.next;
  }

  private begin(key: string): Promise<T> {
    const running = this.answer(key);
    const asked: Asked<T> = { running };
    this.asked.set(key, asked);
    const end = (): void => {
      if (!asked.next && this.asked.get(key) === asked) this.asked.delete(key);
    };
    running.then(end, end);
    return running;
  }
}
