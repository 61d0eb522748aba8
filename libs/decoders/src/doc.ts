import type { AnyDecoder } from './decoder.js';
import { MAPPED_FIELDS } from './mapped-json/mapping.js';
import { NOTICES, REJECT_REASONS } from '@whydrop/model';
import { decoders } from './registry.js';
import { COVERED_SYSTEMS } from './systems.js';

function formatRow(decoder: AnyDecoder): string {
  return `| \`${decoder.format}\` | ${decoder.doc.replaceAll('|', '\\|')} |`;
}

function systemRow(system: (typeof COVERED_SYSTEMS)[number]): string {
  return `| ${system.name} | ${system.gives} | ${system.formats.map((format) => `\`${format}\``).join(', ')} |`;
}

function listRow([code, meaning]: readonly [string, string]): string {
  return `| \`${code}\` | ${meaning} |`;
}

/** The page docs/decoders.md, written from the registry: formats, systems, reasons of rejects, notices, mapping. */
export function renderDecodersDoc(): string {
  return [
    '<!-- Generated from libs/decoders/src/registry.ts. Change it there, then UPDATE_DOCS=1 npm run jest -- libs/decoders/src/doc -->',
    '',
    '# What Whydrop reads',
    '',
    'Every input has a format, and every format one decoder. A record that a decoder does not understand is kept with its',
    'line and a reason of the list below; it never stops the records behind it.',
    '',
    '## Formats',
    '',
    '| Format | Reads |',
    '|---|---|',
    ...decoders.map(formatRow),
    '',
    '## Systems',
    '',
    '| System | Gives | Formats |',
    '|---|---|---|',
    ...COVERED_SYSTEMS.map(systemRow),
    '',
    '## Why a record is rejected',
    '',
    '| Reason | Meaning |',
    '|---|---|',
    ...Object.entries(REJECT_REASONS).map(listRow),
    '',
    '## Notices',
    '',
    'Messages that are neither packets nor flows, and change what the rest may prove.',
    '',
    '| Notice | Meaning |',
    '|---|---|',
    ...Object.entries(NOTICES).map(listRow),
    '',
    '## A source that is not in the list',
    '',
    '`mapped-json` reads JSON lines of any source with a mapping: a JSON file that the collector sends as the attribute',
    '`mapping` of the stream.',
    '',
    '```json',
    '{',
    '  "fields": { "time": "ts", "source": "conn.src", "destination": "conn.dst", "destinationPort": "conn.dport",',
    '              "protocol": "conn.proto", "verdict": "action", "policy": "rules.0.name" },',
    '  "verdicts": { "BLK": "dropped", "OK": "allowed" },',
    '  "directions": { "in": "ingress", "out": "egress" },',
    '  "only": { "type": "traffic" }',
    '}',
    '```',
    '',
    `Fields: ${MAPPED_FIELDS.map((field) => `\`${field}\``).join(', ')}. Needed are \`time\`, \`source\`, \`destination\`,`,
    '`protocol` and `verdict`. Times are RFC 3339 or a number since 1970 in seconds, milliseconds, microseconds or',
    'nanoseconds. Records for which `only` does not hold are passed over.',
    '',
  ].join('\n');
}
