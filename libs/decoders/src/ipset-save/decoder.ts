import { parseCidr } from '@whydrop/model';
import type { Family, IpsetMember, IpsetSnapshot, Reject } from '@whydrop/model';
import type { Decoder, StreamContext } from '../decoder.js';
import { LINE_LIMIT, linesOf, reject } from '../lines.js';
import type { Line } from '../lines.js';

export interface SavedSet {
  readonly name: string;
  readonly type: string;
  readonly family: Family | undefined;
  readonly members: IpsetMember[];
}

/** One run of `ipset save`. */
export interface SavedSets {
  readonly sets: ReadonlyMap<string, SavedSet>;
  readonly raw: string;
  readonly line: number;
}

const CREATE = /^create (\S+) (\S+)(?: (.*))?$/;
const ADD = /^add (\S+) (\S+)(?: (.*))?$/;

/** Value of a word option: `family inet6`. */
function option(options: string, name: string): string | undefined {
  const words = options.split(' ');
  const index = words.indexOf(name);
  return index < 0 ? undefined : words[index + 1];
}

function familyOf(options: string): Family | undefined {
  const family = option(options, 'family');
  return family === 'inet' || family === 'inet6' ? family : undefined;
}

/** The comment stands in quotes and may hold any word; ipset refuses quotes inside it. */
function splitComment(options: string): { comment: string | undefined; rest: string } {
  const start = options.startsWith('comment "') ? 0 : options.indexOf(' comment "') + 1;
  if (start === 0 && !options.startsWith('comment "')) return { comment: undefined, rest: options };
  const open = start + 'comment "'.length;
  const close = options.indexOf('"', open);
  if (close < 0) return { comment: undefined, rest: options };
  return { comment: options.slice(open, close), rest: options.slice(0, start) + options.slice(close + 1).trimStart() };
}

/** One element with its options. Options come in any order; `nomatch` is an exception inside the set. */
export function memberOf(element: string, options: string): IpsetMember {
  const { comment, rest } = splitComment(options);
  const timeout = option(rest, 'timeout');
  return {
    element,
    nomatch: rest.split(' ').includes('nomatch'),
    comment,
    timeout: timeout !== undefined && /^\d{1,10}$/.test(timeout) ? Number(timeout) : undefined,
  };
}

/** Whether the first dimension is an address, a network or a range, as the set's type says. */
export function isElementOf(type: string, element: string): boolean {
  if (!/^(hash|bitmap):(ip|net)/.test(type)) return true;
  const first = element.split(',', 1)[0] ?? '';
  return first.split('-', 2).every((part) => parseCidr(part) !== undefined);
}

function readAdd(line: Line, sets: ReadonlyMap<string, SavedSet>): Reject | undefined {
  const match = ADD.exec(line.text);
  if (!match) return reject('TRUNCATED', line.number, line.text, 'Expected "add SET ELEMENT".');
  const [, name = '', element = '', options = ''] = match;
  const set = sets.get(name);
  if (!set) return reject('MISSING_FIELD', line.number, line.text, `Set ${name} was not created before.`);
  if (!isElementOf(set.type, element)) {
    return reject('BAD_VALUE', line.number, line.text, `${element.slice(0, 60)} is no element of a ${set.type} set.`);
  }
  set.members.push(memberOf(element, options));
  return undefined;
}

function readCreate(line: Line, sets: Map<string, SavedSet>): Reject | undefined {
  const match = CREATE.exec(line.text);
  if (!match) return reject('TRUNCATED', line.number, line.text, 'Expected "create SET TYPE".');
  const [, name = '', type = '', options = ''] = match;
  sets.set(name, { name, type, family: familyOf(options), members: [] });
  return undefined;
}

function readLine(line: Line, sets: Map<string, SavedSet>): Reject | undefined {
  if (line.text.length > LINE_LIMIT) return reject('TOO_LONG', line.number, line.text, 'The line is too long.');
  if (line.text.startsWith('create ')) return readCreate(line, sets);
  if (line.text.startsWith('add ')) return readAdd(line, sets);
  if (line.text.trim() === '' || line.text.startsWith('#')) return undefined;
  return reject('UNKNOWN_SYNTAX', line.number, line.text, 'Expected "create" or "add".');
}

function* decode(payload: string, context: StreamContext): Generator<SavedSets | Reject> {
  const sets = new Map<string, SavedSet>();
  for (const line of linesOf(payload, context.firstLine)) {
    const rejected = readLine(line, sets);
    if (rejected) yield rejected;
  }
  yield { sets, raw: payload.slice(0, 200), line: context.firstLine };
}

function normalise(saved: SavedSets, context: StreamContext): IpsetSnapshot | Reject {
  if (context.observedFrom === undefined) return reject('NO_TIME', saved.line, saved.raw, 'The snapshot has no time.');
  return { kind: 'ipsets', observedAt: context.observedFrom, sets: [...saved.sets.values()] };
}

export const ipsetSave: Decoder<SavedSets> = {
  format: 'ipset-save',
  doc: '`ipset save`: sets with their members, comments, timeouts and exceptions (ipset `lib/session.c`)',
  decode,
  normalise,
};
