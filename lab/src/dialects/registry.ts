import { LabError } from '../shell.js';
import { azureNpm } from './azure-npm.js';
import { calicoCurrent } from './calico-current.js';
import { calicoOld } from './calico-old.js';
import type { Dialect } from './dialect.js';
import { kubeRouter } from './kube-router.js';
import { plain } from './plain.js';
import { weaveNpc, weaveNpcBeta } from './weave-npc.js';

export const DIALECTS: Readonly<Record<string, Dialect>> = {
  'calico-current': calicoCurrent,
  'calico-old': calicoOld,
  'kube-router': kubeRouter,
  'weave-npc': weaveNpc,
  'weave-npc-beta': weaveNpcBeta,
  'azure-npm': azureNpm,
  plain,
};

export function dialectNamed(name: string): Dialect {
  const dialect = DIALECTS[name];
  if (!dialect) throw new LabError(`No dialect ${name}; there are ${Object.keys(DIALECTS).join(', ')}`);
  return dialect;
}
