// Evaluates alerts as a worker does, with a clock of its own: FROM and TO in microseconds, thirty seconds a step; prints where it stands.
import { evaluateAlerts, openDatabase } from '../../dist/libs/storage/src/index.js';

const [from, to] = process.argv.slice(2).map(Number);
const database = openDatabase(process.env['DATABASE_URL'], { max: 2 });
for (let now = from; now <= to; now += 30_000_000) {
  process.stdout.write(`${now}\n`);
  await evaluateAlerts(database, now);
}
await database.close();
