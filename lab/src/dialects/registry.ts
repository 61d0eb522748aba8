import { LabError } from '../shell.js';
import { calicoCurrent } from './calico-current.js';
import { calicoOld } from './calico-old.js';
import type { Dialect } from './dialect.js';

const DIALECTS: Readonly<Record<string, Dialect>> = {
  'calico-current': calicoCurrent,
  'calico-old': calicoOld,
};

export function dialectNamed(name: string): Dialect {
  const dialect = DIALECTS[name];
  if (!dialect) throw new LabError(`No dialect ${name}; there are ${Object.keys(DIALECTS).join(', ')}`);
  return dialect;
}
