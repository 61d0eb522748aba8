import type { Drop } from '@whydrop/model';
import { withinColumns } from './within-columns.js';

const counts = (attempts: number, packets: number) => {
  const { attempts: kept, packets: keptPackets } = withinColumns({ attempts, packets } as Drop);
  return [kept, keptPackets];
};

it('a drop has at most what its columns hold', () => {
  expect(counts(1, 2 ** 31 - 1)).toEqual([1, 2 ** 31 - 1]);
  expect(counts(1, 2 ** 31)).toEqual([1, 2 ** 31 - 1]);
  expect(counts(2 ** 40, 2 ** 41)).toEqual([2 ** 31 - 1, 2 ** 31 - 1]);
});
