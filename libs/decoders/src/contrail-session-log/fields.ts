/** Fields of one flow, by name; those of a nested `forward_flow_info= [ … ]` are named `forward_flow_info.action`. */
export type SandeshFields = ReadonlyMap<string, string>;

/** A session has about sixty fields; what has thousands is no session. */
const WORD_LIMIT = 20_000;

/**
 * Reads sandesh text: `key = value` with blanks around the sign, `name= [ … ]` around nested structures. A value lasts
 * until the next key, so that `drop_reason = Flow drop Firewall Policy` is one value. Undefined when a bracket is open.
 */
export function sandeshFields(text: string): SandeshFields | undefined {
  const words = text.split(/\s+/, WORD_LIMIT).filter((word) => word !== '');
  const fields = new Map<string, string>();
  const nesting: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (word === '[') nesting.push(words[i - 1]?.endsWith('=') ? (words[i - 1] ?? '').slice(0, -1) : '');
    else if (word === ']') nesting.pop();
    else if (words[i + 1] === '=') {
      const value: string[] = [];
      let at = i + 2;
      while (at < words.length && isValue(words, at)) value.push(words[at++] ?? '');
      const section = nesting.at(-1) ?? '';
      fields.set(section === '' ? word : `${section}.${word}`, value.join(' '));
      i = at - 1;
    }
  }
  return nesting.length === 0 ? fields : undefined;
}

/** Whether the word belongs to the value: no bracket, no key, no name of a structure. */
function isValue(words: readonly string[], at: number): boolean {
  const word = words[at] ?? '';
  return (
    word !== '[' &&
    word !== ']' &&
    word !== '],' &&
    words[at + 1] !== '=' &&
    !(word.endsWith('=') && words[at + 1] === '[')
  );
}
