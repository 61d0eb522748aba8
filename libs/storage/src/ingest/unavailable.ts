const NETWORK = new Set(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH', 'EPIPE', 'EAI_AGAIN']);
// 08 connection, 53 out of disk, memory or connections, 57P the server is stopping; 25006 is a standby after a failover.
const SQLSTATE = /^(08...|53...|57P..|25006)$/;
const MESSAGES =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed/;

// What a value can bring about: cardinality, data, integrity, limits such as that of an index's row.
const OF_VALUES = /^(21|22|23|54)...$/;
const STATE = /^[0-9A-Z]{5}$/;

interface Thrown {
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly message?: unknown;
  readonly errors?: unknown;
}

// Told by their fields, not by class: an error may come from another realm or another copy of a package.
function thrown(error: unknown): Thrown {
  return typeof error === 'object' && error !== null ? error : {};
}

/** Whether Postgres could not be reached or cannot write now, so that the same call may succeed later. */
export function isUnavailable(error: unknown): boolean {
  const { code, message, errors } = thrown(error);
  if (typeof code === 'string' && (NETWORK.has(code) || SQLSTATE.test(code))) return true;
  if (Array.isArray(errors) && errors.some(isUnavailable)) return true;
  return typeof message === 'string' && MESSAGES.test(message);
}

/**
 * Whether what was to be stored can be to blame for an error: it failed in our own code, or Postgres spoke of its values.
 * Anything else that Postgres says is its own state, though it may last: a lock or a statement that took too long, a quota
 * for which it has no word of its own, a damaged index, a role that may not. Nobody's records are refused for that.
 */
export function isOfTheInput(error: unknown): boolean {
  const { code, syscall } = thrown(error);
  if (isUnavailable(error) || syscall !== undefined) return false;
  return typeof code !== 'string' || !STATE.test(code) || OF_VALUES.test(code);
}

/** Whether Postgres refused a value (class 22, data exception): the input is at fault. */
export function isDataError(error: unknown): boolean {
  const { code } = thrown(error);
  return typeof code === 'string' && /^22...$/.test(code);
}
