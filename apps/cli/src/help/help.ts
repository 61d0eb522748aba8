/** What `whydrop NAME --help` says. */
export interface Help {
  /** One line, without a full stop. */
  readonly about: string;
  /** What follows `whydrop`, one line for each way to call it. */
  readonly usage: readonly string[];
  /** Option with its value as one types it, and what it means. A short form stands in front: `-v, --verbose`. */
  readonly options: readonly (readonly [option: string, meaning: string])[];
  /** What else one has to know; lines. */
  readonly more?: readonly string[];
}

/** Columns for the option; a longer one has a line for itself. */
const WIDTH = 26;

function optionLine([option, meaning]: Help['options'][number]): string {
  if (option.length <= WIDTH - 2) return `  ${option.padEnd(WIDTH)}${meaning}`;
  return `  ${option}\n  ${''.padEnd(WIDTH)}${meaning}`;
}

/** The help of one command. */
export function commandHelp({ about, usage, options, more = [] }: Help): string {
  const calls = usage.map((line) => `  whydrop ${line}`);
  const parts = [[about], calls, options.map(optionLine), more].filter((lines) => lines.length > 0);
  return `${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** The help of all: what each command is for and how it is called. */
export function overview(commands: Readonly<Record<string, Help>>): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(([name, { about }]) => `  ${name.padEnd(width)}  ${about}`);
  const more =
    "'whydrop COMMAND --help' lists the options. Exit codes: 0 fine, 1 the answer is no, 2 wrong words or input.";
  return `whydrop: explains dropped connections\n\n${lines.join('\n')}\n\n${more}\n`;
}
