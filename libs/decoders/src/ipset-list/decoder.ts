import type { IpsetSnapshot, Reject } from '@whydrop/model';
import type { Decoder, StreamContext } from '../decoder.js';
import { isElementOf, memberOf } from '../ipset-save/decoder.js';
import type { SavedSet } from '../ipset-save/decoder.js';
import { LINE_LIMIT, linesOf, reject } from '../lines.js';
import type { Line } from '../lines.js';

/** One run of `ipset list`. */
export interface ListedSets {
  readonly sets: readonly SavedSet[];
  readonly line: number;
  readonly raw: string;
}

interface OpenSet {
  name: string;
  type: string;
  header: string;
  inMembers: boolean;
  members: SavedSet['members'];
  /** `Number of entries:`, to notice a listing that was cut; old versions do not print it. */
  expected: number | undefined;
  line: Line;
}

/** Reads the listing set by set. */
class ListParser {
  readonly sets: SavedSet[] = [];
  readonly rejects: Reject[] = [];
  private open: OpenSet | undefined;

  read(line: Line): void {
    const { text } = line;
    if (text.length > LINE_LIMIT) this.refuse('TOO_LONG', line, 'The line is too long.');
    else if (text.startsWith('Name: ')) this.begin(text.slice(6).trim(), line);
    else if (text.trim() === '') this.close();
    else if (!this.open) this.refuse('UNKNOWN_SYNTAX', line, 'Expected "Name: SET".');
    else if (this.open.inMembers) this.member(this.open, line);
    else this.property(this.open, line);
  }

  close(): void {
    const set = this.open;
    this.open = undefined;
    if (!set) return;
    if (!set.inMembers || (set.expected !== undefined && set.expected > set.members.length + this.rejects.length)) {
      this.refuse('TRUNCATED', set.line, `The listing of set ${set.name} ends early.`);
      return;
    }
    const family = / ?family (inet6?)( |$)/.exec(set.header)?.[1];
    this.sets.push({
      name: set.name,
      type: set.type,
      family: family === 'inet' || family === 'inet6' ? family : undefined,
      members: set.members,
    });
  }

  private refuse(reason: Reject['reason'], line: Line, detail: string): void {
    this.rejects.push(reject(reason, line.number, line.text, detail));
  }

  private begin(name: string, line: Line): void {
    this.close();
    this.open = { name, type: '', header: '', inMembers: false, members: [], expected: undefined, line };
  }

  private property(set: OpenSet, line: Line): void {
    const colon = line.text.indexOf(':');
    const value = line.text.slice(colon + 1).trim();
    const key = colon < 0 ? '' : line.text.slice(0, colon);
    if (key === 'Type') set.type = value;
    else if (key === 'Header') set.header = value;
    else if (key === 'Number of entries' && /^\d{1,9}$/.test(value)) set.expected = Number(value);
    else if (key === 'Members') set.inMembers = true;
    else if (colon < 0) this.refuse('UNKNOWN_SYNTAX', line, 'Expected "Key: value".');
  }

  private member(set: OpenSet, line: Line): void {
    const blank = line.text.indexOf(' ');
    const element = blank < 0 ? line.text : line.text.slice(0, blank);
    if (isElementOf(set.type, element))
      set.members.push(memberOf(element, blank < 0 ? '' : line.text.slice(blank + 1)));
    else this.refuse('BAD_VALUE', line, `${element.slice(0, 60)} is no element of a ${set.type} set.`);
  }
}

function* decode(payload: string, context: StreamContext): Generator<ListedSets | Reject> {
  const parser = new ListParser();
  for (const line of linesOf(payload, context.firstLine)) parser.read(line);
  parser.close();
  yield* parser.rejects;
  yield { sets: parser.sets, line: context.firstLine, raw: payload.slice(0, 200) };
}

function normalise(listed: ListedSets, context: StreamContext): IpsetSnapshot | Reject {
  if (context.observedFrom === undefined)
    return reject('NO_TIME', listed.line, listed.raw, 'The snapshot has no time.');
  return { kind: 'ipsets', observedAt: context.observedFrom, sets: listed.sets };
}

export const ipsetList: Decoder<ListedSets> = {
  format: 'ipset-list',
  doc: '`ipset list`: sets with their members as people print them (ipset `lib/session.c`)',
  decode,
  normalise,
};
