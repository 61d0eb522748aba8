/** What is wrong, by name. */
export class Troubles {
  private readonly reasons = new Map<string, string>();
  /** What was said of each last: the same is not said twice in a row. */
  private readonly said = new Map<string, string>();

  /** Gives whether that is news. */
  set(name: string, reason: string): boolean {
    this.reasons.set(name, reason);
    if (this.said.get(name) === reason) return false;
    this.said.set(name, reason);
    return true;
  }

  clear(name: string): void {
    this.reasons.delete(name);
    this.said.delete(name);
  }

  get first(): string | undefined {
    const [first] = this.reasons;
    return first && `${first[0]}: ${first[1]}`;
  }
}
