import type { Reject } from '@whydrop/model';
import type { Decoder } from '../decoder.js';
import { decodeLines, reject } from '../lines.js';
import type { Line } from '../lines.js';
import { nflogPacket } from '../nflog-json/packet.js';
import type { NflogRecord } from '../nflog-json/record.js';

/** What a piece must begin with to be a field; anything else is the rest of a value with a comma in it. */
const FIELD =
  /^(?:timestamp|dvc|(?:oob|raw|ip|ip6|tcp|udp|icmp|icmpv6|sctp|dccp|ahesp|mac|arp|print|sum)\.[a-z0-9_.]{1,40})=/;

/** Values are not escaped, so that a comma in a prefix splits it: pieces that are no field are put back. */
function fieldsOf(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  let key = '';
  let value: string[] = [];
  const keep = (): void => {
    if (key !== '' && !fields.has(key)) fields.set(key, value.join(','));
  };
  for (const piece of text.split(',')) {
    if (!FIELD.test(piece)) {
      value.push(piece);
      continue;
    }
    keep();
    const equals = piece.indexOf('=');
    key = piece.slice(0, equals);
    value = [piece.slice(equals + 1)];
  }
  keep();
  return fields;
}

/** Fields that stand before the addresses as text: a line that ends with one was cut, perhaps inside the value. */
const NEVER_LAST =
  /^(?:(?:tcp|udp|sctp|dccp)\.[sd]port|ip\.protocol|ip\.[sd]addr|ip\.saddr\.str|oob\.(?:time\.u?sec|prefix))$/;

/** The address is printed twice for IPv4; where the texts differ, the second was cut. */
function isCut(fields: ReadonlyMap<string, string>): boolean {
  const last = [...fields.keys()].at(-1) ?? '';
  const [plain, written] = [fields.get('ip.daddr'), fields.get('ip.daddr.str')];
  if (written === undefined) return NEVER_LAST.test(last);
  return last === 'ip.daddr.str' && fields.get('oob.family') === '2' && plain !== undefined && plain !== written;
}

function readLine(line: Line): NflogRecord | Reject {
  const fields = fieldsOf(line.text);
  if (fields.size === 0) return reject('UNKNOWN_SYNTAX', line.number, line.text, 'Expected key=value,key=value,…');
  if (!line.terminated && isCut(fields))
    return reject('TRUNCATED', line.number, line.text, 'The line ends in the middle of the record.');
  return { fields, raw: line.text, line: line.number };
}

export const nflogGprint: Decoder<NflogRecord> = {
  format: 'nflog-gprint',
  doc: 'NFLOG packets as ulogd2 writes them in one `key=value,…` line (ulogd2 `output/ulogd_output_GPRINT.c`)',
  decode: (payload, context) => decodeLines(payload, context, readLine),
  normalise: nflogPacket,
};
