import pino, { type Logger } from 'pino';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LEVELS)[number];

function isLevel(text: string | undefined): text is LogLevel {
  return LEVELS.some((level) => level === text);
}

/**
 * JSON lines on stderr, so that results on stdout stay clean. WHYDROP_LOG sets the level; tokens never get into a line,
 * whoever logs the object that holds them.
 */
export function openLog(options: { readonly name: string; readonly level?: LogLevel }): Logger {
  const wanted = process.env['WHYDROP_LOG'];
  const level = isLevel(wanted) ? wanted : (options.level ?? 'info');
  const redact = {
    paths: ['token', 'secret', '*.token', '*.secret', 'headers.authorization', '*.headers.authorization'],
  };
  return pino({ name: options.name, level, redact }, pino.destination({ fd: 2, sync: true }));
}
