import { runCollector } from './command.js';

// The collector as a process of its own; `whydrop collector` is the same.
process.exit(
  await runCollector(process.argv.slice(2), {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
  }),
);
