import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { detectFlowLog } from './detect.js';
import type { FormatId } from './format.js';

const FLOW_LOGS: readonly FormatId[] = [
  'contrail-session-log',
  'calico-whisker',
  'calico-flow-log',
  'cilium-hubble',
  'antrea-np-log',
  'aws-network-policy-log',
  'ovn-acl-log',
  'gke-policy-log',
  'weave-npc-log',
  'nflog-json',
];

it.each(FLOW_LOGS)('knows %s by its first lines', (format) => {
  const folder = path.join(import.meta.dirname, format, 'captures');
  for (const name of readdirSync(folder).filter((file) => !/\.(golden|context)\.json$/.test(file))) {
    const lines = readFileSync(path.join(folder, name), 'utf8').split('\n');
    expect([name, detectFlowLog(`\n${lines.join('\n')}`)]).toEqual([name, format]);
    for (const line of lines.slice(0, 2)) expect([line, detectFlowLog(line)]).toEqual([line, format]);
  }
});

it.each(['', 'hello\nworld\n', '{"a":1}\n', '[1,2]\n', 'level=info msg="started"\n'])('says nothing of %p', (text) => {
  expect(detectFlowLog(text)).toBeUndefined();
});
