/** Where a command writes. Results go to stdout; progress, hints and errors to stderr. */
export interface Io {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Whether a person is looking: then there is a progress bar. */
  readonly interactive: boolean;
}

export const PROCESS_IO: Io = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  interactive: process.stderr.isTTY === true,
};
