/** The caller's mistake: wrong words, an input that cannot be read. Printed as one line, exit code 2. */
export class UsageError extends Error {}

/** The answer is a clear no: exit code 1. */
export class NegativeAnswer extends Error {}
