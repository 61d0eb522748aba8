/** The caller's mistake: wrong words, an input that cannot be read. Printed as one line, exit code 2. */
export class UsageError extends Error {}

/** What the server said no to, with its code: NOT_FOUND, FORBIDDEN, … */
export class ServerError extends UsageError {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(`${code}: ${message}`);
  }
}

/** The answer is a clear no: exit code 1. */
export class NegativeAnswer extends Error {}
