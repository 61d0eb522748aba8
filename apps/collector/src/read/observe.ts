import type { ReaderParts } from '../readers.js';
import { KeptRules } from './kept-rules.js';
import { ownMark } from './own-rules.js';
import type { Reader } from './reader.js';
import { groupReader } from './ulogd.js';

/** NFLOG group of our own rule. */
const OBSERVE_GROUP = 4270;
/** What its packets are called. They say that somebody tried, never what became of it. */
const OBSERVE_PREFIX = 'whydrop:new';

/**
 * `--observe-new N`: a rule of our own in front of everything reports the first packet of every TCP connection, at most N
 * a second: an attempt that a rule drops on this node leaves no conntrack entry. The rule goes when the collector ends.
 */
export function observeReaders(parts: ReaderParts): readonly Reader[] {
  const { observeNew: rate, node, spool } = parts.options;
  if (rate === undefined) return [];
  const reader = groupReader(parts, OBSERVE_GROUP, { stream: 'observe-new.json', class: 'flows' });
  const words = ['-p', 'tcp', '--syn', '-m', 'limit', '--limit', `${rate}/second`, '--limit-burst', String(rate)];
  const target = [
    '-j',
    'NFLOG',
    '--nflog-group',
    String(OBSERVE_GROUP),
    '--nflog-prefix',
    OBSERVE_PREFIX,
    '--nflog-size',
    '128',
  ];
  const rules = new KeptRules({
    ...{ spool, mark: ownMark('observe-new', node), words, target, watch: parts.watch },
    chains: ['PREROUTING'],
    stream: reader.name,
  });
  return [
    {
      name: reader.name,
      get trouble() {
        return rules.trouble ?? reader.trouble;
      },
      start: () => {
        reader.start();
        rules.start();
      },
      stop: async () => {
        await rules.stop();
        await reader.stop();
      },
    },
  ];
}
