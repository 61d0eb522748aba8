import { UsageError } from '../errors.js';
import type { Matcher } from './query.js';

/** `policy=NetworkPolicy/dev/p`, `node!=n1`, `policy=~".*\/dev\/.*"`, `cause!~"CT_.*"`, as amtool takes them. */
export function parseMatcher(text: string): Matcher {
  const match = /^([A-Za-z_][\w.-]*)(=~|!~|!=|=)(.*)$/s.exec(text);
  if (!match)
    throw new UsageError(
      `'${text}' is no matcher: write label=value, label!=value, label=~expression, label!~expression`,
    );
  const [, name = '', operator = '=', value = ''] = match;
  const unquoted = /^"(.*)"$/s.exec(value)?.[1] ?? value;
  return { name, value: unquoted, isRegex: operator.endsWith('~'), isEqual: operator.startsWith('=') };
}

export function matcherText({ name, value, isRegex, isEqual }: Matcher): string {
  return `${name}${isEqual ? '=' : '!'}${isRegex ? '~' : isEqual ? '' : '='}"${value}"`;
}
