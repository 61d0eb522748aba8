import { COVERAGE_FORMAT, GAP_FORMAT } from '@whydrop/contracts';
import { FORMATS } from '@whydrop/decoders';

/** Every format a batch may name: those of the decoders, and our own. */
export const KNOWN_FORMATS: readonly string[] = [...FORMATS, COVERAGE_FORMAT, GAP_FORMAT];
