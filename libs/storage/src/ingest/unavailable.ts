const NETWORK = new Set(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH', 'EPIPE', 'EAI_AGAIN']);
// 08 connection, 53 out of disk, memory or connections, 57P the server is stopping; 25006 is a standby after a failover.
const SQLSTATE = /^(08...|53...|57P..|25006)$/;
const MESSAGES =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/;

interface Thrown {
  readonly code?: unknown;
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

/** Whether Postgres refused a value (class 22, data exception): the input is at fault. */
export function isDataError(error: unknown): boolean {
  const { code } = thrown(error);
  return typeof code === 'string' && /^22...$/.test(code);
}
