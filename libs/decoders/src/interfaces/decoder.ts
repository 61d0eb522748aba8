import type { InterfaceSnapshot, Reject } from '@whydrop/model';
import { canonicalAddress } from '../address.js';
import type { Decoder, StreamContext } from '../decoder.js';
import { isObject, parseJson } from '../json.js';
import type { JsonObject } from '../json.js';
import { reject } from '../lines.js';

/** One run of `ip -j -d addr`. */
export interface AddressListing {
  readonly links: readonly JsonObject[];
  readonly line: number;
}

function* decode(payload: string, context: StreamContext): Generator<AddressListing | Reject> {
  const line = context.firstLine;
  const parsed = parseJson(payload);
  if (parsed === undefined) yield reject('UNKNOWN_SYNTAX', line, payload, 'Expected the JSON of "ip -j addr".');
  else if (!Array.isArray(parsed))
    yield reject('UNKNOWN_SYNTAX', line, payload, 'Expected a JSON array of interfaces.');
  else yield { links: parsed.filter(isObject), line };
}

/** Kind of a device that is no plain link: `veth`, `bridge`, `vxlan`, `tun`; only with `-d`. */
function kindOf(link: JsonObject): string | undefined {
  const info = link['linkinfo'];
  const kind = isObject(info) ? info['info_kind'] : undefined;
  return typeof kind === 'string' ? kind : undefined;
}

function addressesOf(link: JsonObject): string[] {
  const infos = Array.isArray(link['addr_info']) ? link['addr_info'].filter(isObject) : [];
  return infos.flatMap((info) => (typeof info['local'] === 'string' ? (canonicalAddress(info['local']) ?? []) : []));
}

function normalise(listing: AddressListing, context: StreamContext): InterfaceSnapshot {
  const interfaces = listing.links.flatMap((link) => {
    const name = link['ifname'];
    return typeof name === 'string' ? [{ name, kind: kindOf(link), addresses: addressesOf(link) }] : [];
  });
  return { kind: 'interfaces', observedAt: context.observedFrom, interfaces };
}

export const interfaces: Decoder<AddressListing> = {
  format: 'interfaces',
  doc: '`ip -j -d addr`: which interface has which addresses (iproute2 `ip/ipaddress.c`)',
  decode,
  normalise,
};
