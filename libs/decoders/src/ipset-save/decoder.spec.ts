import type { StreamContext } from '../decoder.js';
import { decodeStream } from '../registry.js';

const CONTEXT: StreamContext = { observedFrom: 9, observedTo: undefined, firstLine: 1, attributes: {} };
const decode = (lines: readonly string[]) => [...decodeStream('ipset-save', `${lines.join('\n')}\n`, CONTEXT)];

it('reads options in any order, and words inside a comment as words', () => {
  const answers = decode([
    'create s hash:net maxelem 5 family inet6 comment timeout 0',
    'add s 2001:db8::/32 packets 1 bytes 2 comment "has nomatch timeout 7" timeout 30',
    'add s 2001:db8:1::/48 nomatch timeout 4',
  ]);
  expect(answers).toMatchObject([
    {
      sets: [
        {
          family: 'inet6',
          members: [
            { element: '2001:db8::/32', nomatch: false, timeout: 30, comment: 'has nomatch timeout 7' },
            { element: '2001:db8:1::/48', nomatch: true, timeout: 4, comment: undefined },
          ],
        },
      ],
    },
  ]);
});

it.each([
  ['add nowhere 10.0.0.1', 'MISSING_FIELD'],
  ['add s 10.0.0.', 'BAD_VALUE'],
  ['add s', 'TRUNCATED'],
  ['create s', 'TRUNCATED'],
  ['destroy s', 'UNKNOWN_SYNTAX'],
])('refuses %s and keeps the rest', (line, reason) => {
  expect(decode(['create s hash:ip,port family inet', line, 'add s 10.0.0.1,tcp:80'])).toMatchObject([
    { kind: 'reject', reason, line: 2 },
    { kind: 'ipsets', sets: [{ members: [{ element: '10.0.0.1,tcp:80' }] }] },
  ]);
});
