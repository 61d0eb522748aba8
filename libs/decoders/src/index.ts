export type { AnyDecoder, Decoder, StreamContext } from './decoder.js';
export { FORMATS, isFormat } from './format.js';
export type { FormatId } from './format.js';
export { isReject } from './lines.js';
export type { Decoded, Observation } from './observation.js';
export { decoders, decodeStream } from './registry.js';
