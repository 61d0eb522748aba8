import { main } from './main.js';

// A reader that has seen enough (head, a closed pager) ends the command, and that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 2));
process.exitCode = await main(process.argv.slice(2));
