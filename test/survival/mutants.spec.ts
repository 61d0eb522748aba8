import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { FAULTS } from './faults.js';
import { readMutants } from './mutants.js';

const ROOT = path.resolve(import.meta.dirname, '../..');

it.each(readMutants(path.join(import.meta.dirname, 'mutants')).map((mutant) => [mutant.name, mutant] as const))(
  'the mutant %s fits the sources of today, and its faults are there',
  (_name, { file, faults }) => {
    execFileSync('git', ['-C', ROOT, 'apply', '--check', file], { stdio: 'pipe' });
    for (const word of faults)
      expect(word === 'poison' || FAULTS.some(({ name }) => name.includes(word)) ? '' : word).toBe('');
  },
);
