/**
 * One option of a rule as iptables-save prints it: `! --dport 80` is
 * `{ name: '--dport', negated: true, values: ['80'] }`.
 */
export interface RuleOption {
  readonly name: string;
  readonly negated: boolean;
  readonly values: readonly string[];
}

/** Options that belong together: those of one `-m MODULE`, or the basic ones (`-s`, `-i`, `-p`, …), module ''. */
export interface RuleMatch {
  readonly module: string;
  readonly options: readonly RuleOption[];
}

/** A rule taken apart, without any meaning given to its options. */
export interface RuleSyntax {
  readonly chain: string;
  readonly matches: readonly RuleMatch[];
  readonly target: string | undefined;
  readonly isGoto: boolean;
  readonly targetOptions: readonly RuleOption[];
}

interface Word {
  readonly text: string;
  readonly quoted: boolean;
}

const BASIC = new Set(['-s', '-d', '-i', '-o', '-p', '-f']);

/** Options whose one argument is free text and may begin with a dash; iptables-save quotes only what it must. */
const FREE_TEXT = new Set(['--comment', '--log-prefix', '--nflog-prefix', '--string', '--hex-string', '--match-set']);

const WORD = /"((?:[^"\\]|\\.)*)"|(\S+)/g;

/** Splits a rule into words; inside quotes `\"`, `\'` and `\\` stand for the second character. */
function words(text: string): readonly Word[] {
  return Array.from(text.matchAll(WORD), ([, quoted, plain]) =>
    quoted === undefined
      ? { text: plain ?? '', quoted: false }
      : { text: quoted.replace(/\\(.)/g, '$1'), quoted: true },
  );
}

function isOption(word: Word | undefined): boolean {
  return word !== undefined && !word.quoted && /^-{1,2}[a-zA-Z]/.test(word.text);
}

function isBang(word: Word | undefined): boolean {
  return word !== undefined && !word.quoted && word.text === '!';
}

/** Reads the option at `at` (which may be its `!`); returns it with the index behind it. */
function readOption(list: readonly Word[], at: number): { readonly option: RuleOption; readonly next: number } {
  let negated = false;
  let i = at;
  if (isBang(list[i])) {
    negated = true;
    i++;
  }
  const name = list[i]?.text ?? '';
  i++;
  // Spelling of iptables before 1.4.3: the exclamation mark behind the option.
  if (isBang(list[i]) && !isOption(list[i + 1])) {
    negated = true;
    i++;
  }
  const values: string[] = [];
  if (FREE_TEXT.has(name) && i < list.length) values.push(list[i++]?.text ?? '');
  while (i < list.length && !isOption(list[i]) && !isBang(list[i])) values.push(list[i++]?.text ?? '');
  return { option: { name, negated, values }, next: i };
}

/**
 * Takes a rule apart that iptables-save printed (`-A CHAIN …`, without counters). Never fails: what it does not know
 * stays an option of the module it stands in. Format: iptables `iptables/iptables.c` (save_rule), `xshared.c`.
 */
export function parseRuleText(text: string): RuleSyntax {
  const list = words(text);
  const basic: RuleOption[] = [];
  const modules: { module: string; options: RuleOption[] }[] = [];
  const targetOptions: RuleOption[] = [];
  let chain = '';
  let target: string | undefined;
  let isGoto = false;
  for (let i = 0; i < list.length;) {
    const { option, next } = readOption(list, i);
    i = next > i ? next : i + 1;
    if (option.name === '-A' || option.name === '-I') chain = option.values[0] ?? '';
    else if (target !== undefined) targetOptions.push(option);
    else if (option.name === '-j' || option.name === '-g') {
      target = option.values[0] ?? '';
      isGoto = option.name === '-g';
    } else if (option.name === '-m') modules.push({ module: option.values[0] ?? '', options: [] });
    else if (BASIC.has(option.name)) basic.push(option);
    else (modules.at(-1)?.options ?? basic).push(option);
  }
  return { chain, matches: [{ module: '', options: basic }, ...modules], target, isGoto, targetOptions };
}

const CACHE_LIMIT = 200_000;
const cache = new Map<string, RuleSyntax>();

/** `parseRuleText` with a memory: snapshots of one node repeat the same texts. */
export function ruleSyntax(text: string): RuleSyntax {
  const known = cache.get(text);
  if (known) return known;
  const syntax = parseRuleText(text);
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(text, syntax);
  return syntax;
}

/** First option of that name anywhere among the matches. */
export function matchOption(syntax: RuleSyntax, name: string): RuleOption | undefined {
  for (const match of syntax.matches) {
    const found = match.options.find((option) => option.name === name);
    if (found) return found;
  }
  return undefined;
}

/** First value of that option of the target. */
export function targetValue(syntax: RuleSyntax, name: string): string | undefined {
  return syntax.targetOptions.find((option) => option.name === name)?.values[0];
}

/** Modules that say nothing about which packets match, or not the same for every packet. */
const NOT_CRITERIA = new Set(['comment', 'limit', 'hashlimit']);

/**
 * The criteria of a rule as a set of texts that can be compared: without comments and rates, and without the bare
 * `-m tcp` that iptables adds.
 */
export function criteria(syntax: RuleSyntax): ReadonlySet<string> {
  const texts = syntax.matches
    .filter((match) => !NOT_CRITERIA.has(match.module))
    .flatMap((match) =>
      match.options.map(
        (option) => `${match.module} ${option.negated ? '! ' : ''}${option.name} ${option.values.join(' ')}`,
      ),
    );
  return new Set(texts);
}
