/** What a rule line says about itself; the rest stays text. */
export interface RuleHead {
  readonly chain: string;
  readonly target: string | undefined;
  readonly isGoto: boolean;
  readonly comments: readonly string[];
}

/**
 * Splits rule text into arguments as iptables-restore does: blanks separate, double quotes hold together, a backslash
 * keeps the next character. iptables-save quotes an argument with characters outside `A-Za-z0-9_-` and writes `"`, `'`
 * and `\` with a backslash. Undefined when a quote is not closed.
 */
export function argumentsOf(text: string): string[] | undefined {
  const found: string[] = [];
  let i = 0;
  while (i < text.length) {
    if (text.charCodeAt(i) === 32) {
      i++;
      continue;
    }
    const end = plainEnd(text, i);
    if (end >= 0) {
      found.push(text.slice(i, end));
      i = end;
      continue;
    }
    const quoted = quotedArgument(text, i);
    if (!quoted) return undefined;
    found.push(quoted.value);
    i = quoted.end;
  }
  return found;
}

/** End of an argument without quotes and backslashes; -1 when it has some. */
function plainEnd(text: string, from: number): number {
  let i = from;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 32) break;
    if (c === 34 || c === 92) return -1;
  }
  return i;
}

function quotedArgument(text: string, from: number): { value: string; end: number } | undefined {
  let value = '';
  let quoted = false;
  let run = from;
  let i = from;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 32 && !quoted) break;
    if (c !== 34 && c !== 92) continue;
    value += text.slice(run, i);
    if (c === 34) quoted = !quoted;
    else i++;
    run = c === 34 ? i + 1 : i;
  }
  return quoted ? undefined : { value: value + text.slice(run, i), end: i };
}

/** Reads chain, target and comments out of `-A CHAIN …`; undefined when it is no such rule. */
export function ruleHead(text: string): RuleHead | undefined {
  const words = argumentsOf(text);
  const chain = words?.[1];
  if (!words || chain === undefined || words[0] !== '-A') return undefined;
  const comments: string[] = [];
  for (let i = 2; i < words.length; i++) {
    const word = words[i];
    if (word === '--comment') comments.push(words[++i] ?? '');
    else if (word === '-j' || word === '-g') {
      return { chain, target: words[i + 1], isGoto: word === '-g', comments };
    }
  }
  return { chain, target: undefined, isGoto: false, comments };
}
