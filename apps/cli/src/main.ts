import { NegativeAnswer, UsageError } from './errors.js';
import { type Io, PROCESS_IO } from './io.js';

/** Runs with the words behind its name; gives the exit code: 0 fine, 1 the answer is negative, 2 usage or input error. */
export type Command = (args: string[], io: Io) => Promise<number>;

interface Entry {
  readonly usage: string;
  readonly about: string;
  /** Loaded when it is called for: a command that needs no server starts fast. */
  readonly load: () => Promise<Command>;
}

const COMMANDS: Readonly<Record<string, Entry>> = {
  up: {
    usage: 'up [--port N] [--host H]',
    about: 'everything in one process, with embedded defaults',
    load: async () => (await import('./up/command.js')).runUp,
  },
  demo: {
    usage: 'demo [--port N] [--exit]',
    about: 'start, import the captured stories, show what was dropped and why, keep serving',
    load: async () => (await import('./up/demo.js')).runDemo,
  },
  import: {
    usage: 'import DIR [--url U --token T]',
    about: 'send a captured bundle through the ingest and show what was found',
    load: async () => (await import('./import/command.js')).runImport,
  },
  drops: {
    usage: 'drops [--since 1h | --from T --to T] [--namespace N] [--policy P] [--cause C] [--failed] [--json]',
    about: 'what was dropped or rejected, and why',
    load: async () => (await import('./drops/command.js')).runDrops,
  },
  tail: {
    usage: 'tail [--since 5m] [--namespace N] [--policy P] [--cause C] [--failed] [--json] [--count N]',
    about: 'drops as they are explained, until it is stopped',
    load: async () => (await import('./tail/command.js')).runTail,
  },
  explain: {
    usage: 'explain ID | --from ns/pod --to ns/pod --port N --manifests DIR | --ruleset FILE --packet "…"',
    about: 'one drop in full; or what policies, or a ruleset, would do to a connection',
    load: async () => (await import('./explain/command.js')).runExplain,
  },
  alerts: {
    usage:
      'alerts [list] [--all] | show ID | silence [label=value… --for 2h --comment C | --expire ID] | rules [check FILE]',
    about: 'what fires, what is silenced, which rules there are',
    load: async () => (await import('./alerts/command.js')).runAlerts,
  },
  check: {
    usage: 'check --manifests DIR --queries FILE.jsonl',
    about: 'evaluate policies offline; a policy unit test with "expect"',
    load: async () => (await import('./check/index.js')).runCheck,
  },
  capture: {
    usage: 'capture DIR [--for 60s] [--cluster C] [--node N] [--nflog-groups 1,2] [--interval 10s]',
    about: 'write what this node says of its connections into a folder that import takes',
    load: async () => (await import('./capture/command.js')).runCapture,
  },
  collector: {
    usage: 'collector --url U --token T [--cluster C] [--node N] [--read conntrack,iptables,…] [--nflog-groups 1,2] …',
    about: 'read this node: conntrack, rules with counters, packet logs; keep it on disk until the server has it',
    load: async () => (await import('./collector/command.js')).runCollectorHere,
  },
  token: {
    usage:
      'token create --name N --role collector|viewer|operator|admin [--namespace A,B] [--cluster C --node N] [--expires 90d] | list | revoke ID',
    about: 'who may send and who may read',
    load: async () => (await import('./token/command.js')).runToken,
  },
};

function help(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(
    ([name, { about, usage }]) => `  ${name.padEnd(width)}  ${about}\n${' '.repeat(width + 4)}whydrop ${usage}`,
  );
  return `whydrop: explains dropped connections\n\n${lines.join('\n')}\n`;
}

/** Picks the command and turns what it throws into one line and an exit code. */
export async function main(argv: readonly string[], io: Io = PROCESS_IO): Promise<number> {
  const [name = 'help', ...args] = argv;
  if (['help', '--help', '-h'].includes(name)) {
    io.stdout(help());
    return 0;
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!entry) {
    io.stderr(`whydrop: there is no command '${name}'\n\n${help()}`);
    return 2;
  }
  if (args.includes('--help') || args.includes('-h')) {
    io.stdout(`whydrop ${entry.usage}\n${entry.about}\n`);
    return 0;
  }
  try {
    return await (
      await entry.load()
    )(args, io);
  } catch (error) {
    if (error instanceof NegativeAnswer) return 1;
    if (error instanceof UsageError || isArgumentError(error)) {
      io.stderr(`whydrop ${name}: ${(error as Error).message}\n`);
      return 2;
    }
    // Broken technology (no disk, no database): its message is for a person, its trace for whoever asks with WHYDROP_LOG=debug.
    const trace = error instanceof Error && process.env['WHYDROP_LOG'] === 'debug' ? `\n${error.stack}` : '';
    io.stderr(`whydrop ${name}: ${error instanceof Error ? error.message : String(error)}${trace}\n`);
    return 2;
  }
}

/** What node:util's parseArgs throws for unknown or incomplete options. */
function isArgumentError(error: unknown): boolean {
  return error instanceof TypeError && String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
}
