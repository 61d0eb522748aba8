import { formatIp, parseIp, type IpsetMember, type Ipset, type IpValue } from '@whydrop/model';
import { list, number, object, text, under, word, type Json, type JsonObject } from './json.js';

function member(element: string): IpsetMember {
  return { element, nomatch: false, comment: undefined, timeout: undefined };
}

/** A range of addresses as the networks it is made of. */
function rangeNets(from: IpValue, to: IpValue): readonly string[] {
  const bits = from.family === 'inet' ? 32 : 128;
  const nets: string[] = [];
  for (let value = from.value; value <= to.value;) {
    let size = 0;
    while (size < bits && value % (1n << BigInt(size + 1)) === 0n && value + (1n << BigInt(size + 1)) - 1n <= to.value)
      size++;
    nets.push(`${formatIp({ family: from.family, value })}/${bits - size}`);
    value += 1n << BigInt(size);
  }
  return nets;
}

/** One value of a set or of the right side of a match, in the words of ipset: a network, a port, a range of ports. */
export function scalars(value: Json): readonly string[] {
  if (typeof value === 'string' || typeof value === 'number') return [String(value)];
  const prefix = object(under(value, 'prefix'));
  if (prefix) return [`${text(prefix['addr']) ?? ''}/${number(prefix['len']) ?? 0}`];
  const elem = object(under(value, 'elem'));
  if (elem) return scalars(elem['val']);
  const [from, to] = list(under(value, 'range'));
  if (from === undefined || to === undefined) return [];
  const [low, high] = [parseIp(word(from)), parseIp(word(to))];
  return low && high && low.family === high.family ? rangeNets(low, high) : [`${word(from)}:${word(to)}`];
}

function concatenated(value: Json, types: readonly string[]): readonly string[] {
  const parts = list(under(under(value, 'elem') === undefined ? value : under(under(value, 'elem'), 'val'), 'concat'));
  const values = parts.map((part) => scalars(part)[0] ?? '');
  const at = (type: string) => values[types.indexOf(type)];
  const address = at('ipv4_addr') ?? at('ipv6_addr') ?? '';
  const port = at('inet_service');
  const protocol = at('inet_proto');
  if (port === undefined) return [address];
  return [`${address},${protocol === undefined ? '' : `${protocol}:`}${port}`];
}

function family(types: readonly string[]): Ipset['family'] {
  return types.includes('ipv6_addr') ? 'inet6' : 'inet';
}

const READ_TYPES = new Set(['ipv4_addr', 'ipv6_addr', 'inet_service', 'inet_proto']);

/**
 * A named set in the words of ipset. Undefined for sets of other things than addresses, protocols and ports: a rule that
 * asks them stays undecided.
 */
export function setOf(set: JsonObject): Ipset | undefined {
  const type = set['type'];
  const types = (typeof type === 'string' ? [type] : list(type)).map(word);
  if (types.some((each) => !READ_TYPES.has(each)) || !types.some((each) => each.endsWith('_addr'))) return undefined;
  const isConcat = types.length > 1;
  const elements = list(set['elem']).flatMap((element) => (isConcat ? concatenated(element, types) : scalars(element)));
  const hasPort = types.includes('inet_service');
  return {
    name: text(set['name']) ?? '',
    type: hasPort ? 'hash:net,port' : 'hash:net',
    family: family(types),
    members: elements.map(member),
  };
}
