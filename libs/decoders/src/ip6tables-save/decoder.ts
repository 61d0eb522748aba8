import type { Decoder } from '../decoder.js';
import { snapshotOf } from '../iptables-save/decoder.js';
import { SaveParser } from '../iptables-save/parse.js';
import type { SavedRuleset } from '../iptables-save/parse.js';

export const ip6tablesSave: Decoder<SavedRuleset> = {
  format: 'ip6tables-save',
  doc: '`ip6tables-save`, with or without `-c`, of the nft and the legacy backend (iptables `iptables-save.c`)',
  decode: (payload, context) => new SaveParser().parse(payload, context),
  normalise: (saved, context) => snapshotOf(saved, 'inet6', context),
};
