import { answerTypeOf, LEGACY_JSON, RESPONSE_JSON } from './media-type.js';

it.each([
  [undefined, LEGACY_JSON],
  ['*/*', LEGACY_JSON],
  ['application/json', LEGACY_JSON],
  ['text/html, application/json;q=0.9', LEGACY_JSON],
  [RESPONSE_JSON, RESPONSE_JSON],
  [`${RESPONSE_JSON}; charset=utf-8`, RESPONSE_JSON],
  [`${RESPONSE_JSON}, application/json;q=0.9`, RESPONSE_JSON],
  [`application/json, ${RESPONSE_JSON};q=0.5`, LEGACY_JSON],
  [`${RESPONSE_JSON};q=0, */*`, LEGACY_JSON],
])('Accept: %s is answered as %s', (accept, type) => {
  expect(answerTypeOf(accept)).toBe(type);
});
