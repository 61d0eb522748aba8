import { NegativeAnswer, UsageError } from './errors.js';
import { commandHelp, overview } from './help/help.js';
import { HELP } from './help/texts.js';
import { type Io, PROCESS_IO } from './io.js';

/** Runs with the words behind its name; gives the exit code: 0 fine, 1 the answer is negative, 2 usage or input error. */
export type Command = (args: string[], io: Io) => Promise<number>;

/** Loaded when it is called for: a command that needs no server starts fast. */
const LOAD: Readonly<Record<keyof typeof HELP, () => Promise<Command>>> = {
  up: async () => (await import('./up/command.js')).runUp,
  demo: async () => (await import('./up/demo.js')).runDemo,
  import: async () => (await import('./import/command.js')).runImport,
  drops: async () => (await import('./drops/command.js')).runDrops,
  trend: async () => (await import('./trend/command.js')).runTrend,
  tail: async () => (await import('./tail/command.js')).runTail,
  explain: async () => (await import('./explain/command.js')).runExplain,
  alerts: async () => (await import('./alerts/command.js')).runAlerts,
  check: async () => (await import('./check/index.js')).runCheck,
  capture: async () => (await import('./capture/command.js')).runCapture,
  collector: async () => (await import('./collector/command.js')).runCollectorHere,
  token: async () => (await import('./token/command.js')).runToken,
};

/** Picks the command and turns what it throws into one line and an exit code. */
export async function main(argv: readonly string[], io: Io = PROCESS_IO): Promise<number> {
  const [name = 'help', ...args] = argv;
  if (['help', '--help', '-h'].includes(name)) {
    io.stdout(isCommand(args[0]) ? commandHelp(HELP[args[0]]) : overview(HELP));
    return 0;
  }
  if (!isCommand(name)) {
    io.stderr(`whydrop: there is no command '${name}'\n\n${overview(HELP)}`);
    return 2;
  }
  if (args.includes('--help') || args.includes('-h')) {
    io.stdout(commandHelp(HELP[name]));
    return 0;
  }
  try {
    const run = await LOAD[name]();
    return await run(args, io);
  } catch (error) {
    if (error instanceof NegativeAnswer) return 1;
    io.stderr(`whydrop ${name}: ${isArgumentError(error) ? argumentFault(error, name) : faultOf(error)}\n`);
    return 2;
  }
}

function isCommand(name: string | undefined): name is keyof typeof HELP {
  return name !== undefined && Object.hasOwn(HELP, name);
}

/** Broken technology (no disk, no database): its message is for a person, its trace for whoever asks with WHYDROP_LOG=debug. */
function faultOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isTraced = !(error instanceof UsageError) && process.env['WHYDROP_LOG'] === 'debug';
  return isTraced ? `${error.message}\n${error.stack}` : error.message;
}

/** What node:util's parseArgs throws for unknown or incomplete options. */
function isArgumentError(error: unknown): error is Error {
  return String((error as { code?: unknown } | undefined)?.code).startsWith('ERR_PARSE_ARGS');
}

/** Its first sentence says which word; what follows is for those who write programs. */
function argumentFault({ message }: Error, name: string): string {
  return `${message.split(/\.\s/)[0]}; 'whydrop ${name} --help' lists what it takes`;
}
