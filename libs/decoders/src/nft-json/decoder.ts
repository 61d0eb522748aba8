import type { NftListing, Reject } from '@whydrop/model';
import type { Decoder, StreamContext } from '../decoder.js';
import { isObject, parseJson } from '../json.js';
import { reject } from '../lines.js';

/** One run of `nft -j list ruleset`. */
export interface NftOutput {
  readonly objects: readonly unknown[];
  readonly line: number;
  readonly raw: string;
}

function* decode(payload: string, context: StreamContext): Generator<NftOutput | Reject> {
  const line = context.firstLine;
  const parsed = parseJson(payload);
  const objects = isObject(parsed) ? parsed['nftables'] : undefined;
  if (Array.isArray(objects)) yield { objects, line, raw: payload };
  else yield reject('UNKNOWN_SYNTAX', line, payload, 'Expected the JSON of "nft -j list ruleset": a list nftables.');
}

function normalise({ objects, line, raw }: NftOutput, context: StreamContext): NftListing | Reject {
  const observedAt = context.observedFrom;
  if (observedAt === undefined) return reject('NO_TIME', line, raw, 'The snapshot has no time.');
  return { kind: 'nft-listing', observedAt, objects };
}

export const nftJson: Decoder<NftOutput> = {
  format: 'nft-json',
  doc: '`nft -j list ruleset`: tables of nftables itself, with their sets and counters (libnftables-json(5))',
  decode,
  normalise,
};
