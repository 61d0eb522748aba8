import { containerLine } from './container-log.js';
import type { FormatId } from './format.js';
import { isObject, listOf, objectOf, parseJson, textOf } from './json.js';
import type { JsonObject } from './json.js';
import { linesOf } from './lines.js';

/** So many lines are looked at: a log may begin with lines that say nothing. */
const LINES = 200;
const LINE_LENGTH = 100_000;

type Sign<Subject> = readonly [FormatId, (subject: Subject) => boolean];

function hasMessage(entry: JsonObject, pattern: RegExp): boolean {
  return pattern.test((textOf(entry, 'msg') ?? textOf(entry, 'message') ?? '').slice(0, 1000));
}

/** What tells one source's JSON from another's; the first sign that fits decides. */
const JSON_SIGNS: readonly Sign<JsonObject>[] = [
  ['nflog-json', (o) => 'oob.hook' in o || 'raw.pktlen' in o],
  ['gke-policy-log', (o) => 'disposition' in o || 'disposition' in objectOf(o, 'jsonPayload')],
  ['calico-whisker', (o) => 'enforced' in objectOf(o, 'policies') || 'Key' in objectOf(o, 'flow') || isWhiskerPage(o)],
  [
    'calico-flow-log',
    (o) =>
      'source_name_aggr' in o || ['enforced_policies', 'all_policies'].some((key) => key in objectOf(o, 'policies')),
  ],
  [
    'cilium-hubble',
    (o) => ['flow', 'lost_events', 'agent_event', 'node_status', 'debug_event'].some((key) => isObject(o[key])),
  ],
  ['aws-network-policy-log', (o) => 'Src IP' in o || hasMessage(o, /Flow Info: +Src IP|;SIP: \S+;SPORT: /)],
  ['kernel-log', (o) => '_TRANSPORT' in o && 'MESSAGE' in o],
];

const TEXT_SIGNS: readonly Sign<string>[] = [
  ['ovn-acl-log', (text) => /\|acl_log\([^)]{0,40}\)\|/.test(text)],
  [
    'antrea-np-log',
    (text) => /^\d{4}\/\d{2}\/\d{2} \d{2}:\d{2}:\d{2}\.\d{1,9} \w{1,60} (?:\w{1,60}NetworkPolicy)(?::\S+)? /.test(text),
  ],
  ['weave-npc-log', (text) => /blocked by Weave NPC|^(?:DEBU|INFO|WARN|ERRO|FATA): \d{4}\/\d{2}\/\d{2} /.test(text)],
  ['contrail-session-log', (text) => /SessionData: \[|FlowLogDataObject: /.test(text)],
  ['aws-network-policy-log', (text) => /Src IP:? \S{1,64} Src Port:? \d|;SIP: \S{1,64};SPORT: /.test(text)],
];

function isWhiskerPage(page: JsonObject): boolean {
  const [first] = listOf(page, 'items');
  return isObject(first) && 'reporter' in first && 'policies' in first;
}

function formatOfLine(text: string): FormatId | undefined {
  const parsed = text.startsWith('{') ? parseJson(text) : undefined;
  if (isObject(parsed)) return JSON_SIGNS.find(([, fits]) => fits(parsed))?.[0];
  return TEXT_SIGNS.find(([, fits]) => fits(text.slice(0, 2000)))?.[0];
}

/**
 * Which flow log this is, by what its first lines look like: names of flow log files say nothing. Undefined when no
 * line has the signs of a source that is known.
 */
export function detectFlowLog(payload: string): FormatId | undefined {
  for (const line of linesOf(payload, 1)) {
    if (line.number > LINES) return undefined;
    const text = containerLine(line.text.slice(0, LINE_LENGTH)).text.replace(/^data: ?/, '');
    const format = formatOfLine(text);
    if (format !== undefined) return format;
  }
  return undefined;
}
