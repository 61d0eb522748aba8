/** What a GraphQL answer is sent as. The newer type says by its status whether the request could be run at all. */
export const RESPONSE_JSON = 'application/graphql-response+json';
export const LEGACY_JSON = 'application/json';

interface Range {
  readonly type: string;
  readonly quality: number;
}

function rangesOf(accept: string): readonly Range[] {
  return accept.split(',').map((part) => {
    const [type = '', ...parameters] = part.split(';').map((each) => each.trim().toLowerCase());
    const quality = parameters.find((each) => each.startsWith('q='))?.slice(2);
    return { type, quality: quality === undefined ? 1 : Number(quality) || 0 };
  });
}

/**
 * Type of the answer to a request with this `Accept` header. Who does not name the newer type gets the older one, as the
 * draft of GraphQL over HTTP asks for clients that were there before it.
 */
export function answerTypeOf(accept: string | undefined): typeof RESPONSE_JSON | typeof LEGACY_JSON {
  const ranges = rangesOf(accept ?? '');
  const wanted = (type: string) => ranges.find((each) => each.type === type)?.quality ?? 0;
  const newer = wanted(RESPONSE_JSON);
  return newer > 0 && newer >= wanted(LEGACY_JSON) ? RESPONSE_JSON : LEGACY_JSON;
}
