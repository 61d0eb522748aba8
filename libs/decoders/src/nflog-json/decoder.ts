import type { Reject } from '@whydrop/model';
import type { Decoder } from '../decoder.js';
import { isObject, parseJson } from '../json.js';
import { decodeLines, reject } from '../lines.js';
import type { Line } from '../lines.js';
import { nflogPacket } from './packet.js';
import type { NflogRecord } from './record.js';

function readLine(line: Line): NflogRecord | Reject {
  const parsed = parseJson(line.text);
  if (!isObject(parsed)) {
    const cut = line.text.startsWith('{') && !line.text.trimEnd().endsWith('}');
    return cut
      ? reject('TRUNCATED', line.number, line.text, 'The JSON object is not closed.')
      : reject('UNKNOWN_SYNTAX', line.number, line.text, 'Expected one JSON object.');
  }
  const fields = new Map<string, string>();
  for (const [key, value] of Object.entries(parsed)) {
    if (typeof value === 'string' || typeof value === 'number') fields.set(key, String(value));
  }
  return { fields, raw: line.text, line: line.number };
}

export const nflogJson: Decoder<NflogRecord> = {
  format: 'nflog-json',
  doc: 'NFLOG packets as ulogd2 writes them in JSON, `eventv1` too (ulogd2 `output/ulogd_output_JSON.c`)',
  decode: (payload, context) => decodeLines(payload, context, readLine),
  normalise: nflogPacket,
};
