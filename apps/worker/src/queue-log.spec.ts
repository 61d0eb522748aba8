import { queueLog } from './queue-log.js';

it('a queue that is away is told of once a minute, a job that failed each time', () => {
  const lines: object[] = [];
  const keep = (fields: object) => void lines.push(fields);
  let clock = 0;
  const tell = queueLog({ info: keep, warn: keep, error: keep }, () => clock);
  for (clock = 0; clock < 119_000; clock += 100) tell(new Error('away'), undefined);
  tell(new Error('broken'), undefined);
  for (const _ of [1, 2]) tell(new Error('bad batch'), '7');
  const failed = { error: 'bad batch', jobId: '7' };
  expect(lines).toEqual([{ error: 'away' }, { error: 'away' }, { error: 'broken' }, failed, failed]);
});
