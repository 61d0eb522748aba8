import type { ReaderParts } from '../readers.js';
import { ownMark, OwnRules } from './own-rules.js';
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
  const { observeNew: rate, node } = parts.options;
  if (rate === undefined) return [];
  const rules = new OwnRules(parts.options.spool, ownMark('observe-new', node));
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
  return [
    {
      name: reader.name,
      start: () => {
        reader.start();
        rules.make(['PREROUTING'], words, target).catch((error: Error) => parts.watch.warn(reader.name, error.message));
      },
      stop: async () => {
        await rules.remove();
        await reader.stop();
      },
    },
  ];
}
