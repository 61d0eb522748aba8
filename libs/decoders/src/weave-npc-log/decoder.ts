import { protocolFromName } from '@whydrop/model';
import type { Instant, KubernetesObject, NoticeCode, ObjectChange, Reject } from '@whydrop/model';
import { canonicalAddress } from '../address.js';
import { containerLine } from '../container-log.js';
import type { Decoder, StreamContext } from '../decoder.js';
import { isObject, parseJson } from '../json.js';
import { isKubernetesObject } from '../kubernetes-objects/object.js';
import { decodeLines, reject } from '../lines.js';
import type { Line } from '../lines.js';
import { instantOfWallClock, wallClockOf } from '../local-time.js';
import type { Decoded } from '../observation.js';
import { flowEnds, flowVerdict, portOf } from '../verdict.js';

/** A line that says something: a blocked packet, a change of an object, or a state of the enforcer. */
export interface WeaveLine {
  readonly at: Instant | undefined;
  readonly message: string;
  readonly raw: string;
  readonly line: number;
}

const HEAD = /^(?:DEBU|INFO|WARN|ERRO|FATA): (\d{4})\/(\d{2})\/(\d{2}) (\d{2}):(\d{2}):(\d{2})\.(\d{1,9}) /;
const BLOCKED = /^(TCP|UDP) connection from (\S{1,64}):(\d{1,5}) to (\S{1,64}):(\d{1,5}) blocked by Weave NPC\.?\s*$/;
const EVENT = /^EVENT (Add|Update|Delete)(NetworkPolicy|Namespace|Pod) (?=\{)/;
const TYPES = { Add: 'ADDED', Update: 'MODIFIED', Delete: 'DELETED' } as const;
const API_VERSIONS: Readonly<Record<string, string>> = {
  NetworkPolicy: 'networking.k8s.io/v1',
  Namespace: 'v1',
  Pod: 'v1',
};

function noticeOf(message: string): NoticeCode | undefined {
  if (message.startsWith('Starting Weaveworks NPC')) return 'AGENT_RESTARTED';
  return message.includes('Rejecting network policy: ') ? 'POLICY_REFUSED' : undefined;
}

/** The container's zone is UTC. */
function headTime(text: string): { at: Instant | undefined; message: string } {
  const head = HEAD.exec(text);
  if (!head) return { at: undefined, message: text };
  return { at: instantOfWallClock(wallClockOf(head), 'UTC'), message: text.slice(head[0].length) };
}

/** The log is for people: only what says something here is taken, the rest is passed over. */
function readLine(line: Line): WeaveLine | Reject | undefined {
  const wrapped = containerLine(line.text);
  const { at, message } = headTime(wrapped.text);
  const found: WeaveLine = { at: at ?? wrapped.at, message, raw: line.text, line: line.number };
  if (BLOCKED.test(message) || EVENT.test(message) || noticeOf(message)) return found;
  if (!/^(?:TCP|UDP) connection from /.test(message)) return undefined;
  return message.includes('<unknown IP>')
    ? reject('BAD_VALUE', line.number, line.text, 'The enforcer could not read an address of the packet.')
    : reject('TRUNCATED', line.number, line.text, 'Expected "… blocked by Weave NPC.".');
}

/** The JSON, or the second of two that stand one behind the other: an update prints the old object and the new one. */
function newestJson(text: string): unknown {
  let at = text.length;
  for (let attempt = 0; attempt < 4 && at > 0; attempt++) {
    at = text.lastIndexOf(' {"metadata"', at - 1);
    const parsed = at < 0 ? undefined : parseJson(text.slice(at + 1));
    if (parsed !== undefined) return parsed;
  }
  return parseJson(text);
}

/** The log prints objects as the Go client holds them, without kind and apiVersion. */
function objectOf(kind: string, parsed: unknown): KubernetesObject | undefined {
  if (!isObject(parsed)) return undefined;
  const object = { apiVersion: API_VERSIONS[kind], kind, ...parsed };
  return isKubernetesObject(object) ? object : undefined;
}

function changeOf(found: WeaveLine, at: Instant, event: RegExpExecArray): ObjectChange | Reject {
  const kind = event[2] ?? '';
  const object = objectOf(kind, newestJson(found.message.slice(event[0].length)));
  if (!object) return reject('NOT_KUBERNETES', found.line, found.raw, `Expected the ${kind} as JSON.`);
  return { kind: 'object', type: TYPES[event[1] as keyof typeof TYPES], at, object, line: found.line };
}

function blockedOf(found: WeaveLine, at: Instant, blocked: RegExpExecArray): Decoded {
  const source = canonicalAddress(blocked[2] ?? '');
  const destination = canonicalAddress(blocked[4] ?? '');
  const protocol = protocolFromName(blocked[1] ?? '');
  if (source === undefined || destination === undefined || protocol === undefined) {
    return reject('BAD_VALUE', found.line, found.raw, 'An address is not valid.');
  }
  return flowVerdict({
    emitter: 'weave-npc',
    observedAt: at,
    verdict: 'dropped',
    // There are no deny rules: what no rule admitted is dropped at the end.
    denial: 'default',
    ends: flowEnds({
      protocol,
      source,
      destination,
      sourcePort: portOf(blocked[3]),
      destinationPort: portOf(blocked[5]),
    }),
    packets: 1n,
    raw: found.raw,
    line: found.line,
  });
}

function normalise(found: WeaveLine, context: StreamContext): Decoded {
  const { raw, line, message } = found;
  const at = found.at ?? context.observedFrom;
  if (at === undefined) return reject('NO_TIME', line, raw, 'The line has no time in front.');
  const blocked = BLOCKED.exec(message);
  if (blocked) return blockedOf(found, at, blocked);
  const event = EVENT.exec(message);
  if (event) return changeOf(found, at, event);
  return { kind: 'notice', observedAt: at, notice: noticeOf(message) ?? 'AGENT_RESTARTED', raw, line };
}

export const weaveNpcLog: Decoder<WeaveLine> = {
  format: 'weave-npc-log',
  doc: 'log of the container weave-npc: blocked connections, changes of policies, pods and namespaces, restarts (weaveworks/weave `npc/ulogd/ulogd.go`)',
  decode: (payload, context) => decodeLines(payload, context, readLine),
  normalise,
};
