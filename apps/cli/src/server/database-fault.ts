import { UsageError } from '../errors.js';

const AWAY = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'];

/** DATABASE_URL as it is set. Throws when it is no address of a PostgreSQL. */
export function databaseUrlOf(env: NodeJS.ProcessEnv): string | undefined {
  const url = env['DATABASE_URL'];
  if (url === undefined || (/^postgres(?:ql)?:\/\//.test(url) && URL.canParse(url))) return url;
  throw new UsageError('DATABASE_URL: must be postgres://user:password@host:port/database');
}

/** Does what needs the database of a URL; when that cannot be reached, it is named (without its password). */
export async function onDatabase<T>(url: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message?: string };
    if (!AWAY.includes(code ?? '')) throw error;
    throw new UsageError(`PostgreSQL at ${new URL(url).host} cannot be reached (${message}): is DATABASE_URL right?`);
  }
}
