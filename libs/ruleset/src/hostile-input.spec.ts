import fc from 'fast-check';
import { rulesWithPrefix } from './log.js';
import { parseListing } from './listing/parse.js';
import { parseNftRuleset } from './nft/parse.js';
import { createOwnerIndex } from './owner.js';
import { parseRuleText } from './rule-syntax.js';
import { snapshotOf } from './ruleset-fixture.js';
import { walkPacket } from './walk.js';

const WORDS = [
  ...[
    '-A',
    '-s',
    '-d',
    '-i',
    '-p',
    '!',
    '-m',
    '-j',
    '-g',
    'tcp',
    'set',
    '--match-set',
    'mark',
    '--mark',
    '0x1/0x1',
    '--dport',
  ],
  ...[
    '"',
    '\\',
    '"a b"',
    '80:',
    ':',
    '10.0.0.0/8',
    '/',
    '--ctstate',
    'NEW,',
    'DROP',
    'X',
    'MARK',
    '--set-xmark',
    'DNAT',
  ],
  ...[
    '--to-destination',
    '1.1.1.1-2.2.2.2:1-2',
    '--comment',
    'Policy a/b ingress',
    'conntrack',
    'physdev',
    'addrtype',
    '--dst-type',
  ],
];

const ruleText = fc
  .array(fc.oneof(fc.constantFrom(...WORDS), fc.string()), { maxLength: 14 })
  .map((words) => words.join(' '));

describe('whatever stands in a rule', () => {
  it('is taken apart, walked and given an owner without failing', () => {
    fc.assert(
      fc.property(fc.array(ruleText, { maxLength: 5 }), (texts) => {
        const lines = texts.map((text) => `-A FORWARD ${text.replaceAll('\n', ' ')}`);
        const ruleset = snapshotOf(`*filter\n:FORWARD ACCEPT\n:X -\n${lines.join('\n')}\nCOMMIT`);
        const tuple = {
          protocol: 'TCP' as const,
          source: '10.0.0.1',
          destination: '10.0.0.2',
          sourcePort: 1,
          destinationPort: 80,
          icmp: undefined,
        };
        const { outcomes } = walkPacket({ ruleset, ipsets: undefined, packet: { tuple } });
        expect(outcomes.length).toBeGreaterThan(0);
        const index = createOwnerIndex({ pods: [], policies: [] });
        for (const rule of ruleset.tables[0]?.chains[0]?.rules ?? []) {
          expect(index.ownerOf(ruleset, 'filter', 'FORWARD', rule)).toBeDefined();
        }
        expect(Array.isArray(rulesWithPrefix(ruleset, 'x'))).toBe(true);
      }),
    );
  });

  it('every word of a rule is kept somewhere', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('-s', '10.0.0.1', '--dport', '80', '-m', 'tcp', '-j', 'DROP'), { maxLength: 8 }),
        (words) => {
          const syntax = parseRuleText(words.join(' '));
          const options = [...syntax.matches.flatMap((match) => match.options), ...syntax.targetOptions];
          const kept = options.reduce((sum, { values }) => sum + 1 + values.length, 0);
          expect(kept).toBeLessThanOrEqual(words.length);
        },
      ),
    );
  });
});

it('a listing of anything is read or refused', () => {
  const pieces = fc.constantFrom(
    'Chain X (1 references)',
    'Chain FORWARD (policy DROP 2K packets, 3M bytes)',
    'pkts bytes target prot opt in out source destination',
    '1 60 DROP all -- * * 0.0.0.0/0 ::/0',
    '/* x',
    '*/',
    '\n',
    'MARK and',
    'tcp dpt:',
    'match-set a src',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 12 }), (parts) => {
      const { snapshots, rejects } = parseListing(parts.join(' '), { observedAt: 0 });
      expect(snapshots.length + rejects.length).toBeGreaterThan(0);
    }),
  );
});

it('JSON of anything is read or refused', () => {
  const name = fc.constantFrom(
    'match',
    'vmap',
    'counter',
    'mangle',
    'log',
    'dnat',
    'reject',
    'xt',
    'limit',
    'jump',
    'set',
    'elem',
  );
  const statement = fc.dictionary(name, fc.jsonValue(), { minKeys: 1, maxKeys: 1 });
  const objects = fc.array(
    fc.oneof(
      fc.jsonValue(),
      fc.record({
        rule: fc.record({
          family: fc.constant('ip'),
          table: fc.constant('t'),
          chain: fc.constant('c'),
          expr: fc.array(statement),
        }),
      }),
      fc.record({
        set: fc.record({
          family: fc.constant('ip'),
          table: fc.constant('t'),
          name: fc.constant('s'),
          type: fc.constantFrom('ipv4_addr', 'ipv6_addr'),
          elem: fc.jsonValue(),
        }),
      }),
    ),
  );
  const frame = [
    { table: { family: 'ip', name: 't' } },
    { chain: { family: 'ip', table: 't', name: 'c', type: 'filter', hook: 'forward', prio: 0 } },
  ];
  fc.assert(
    fc.property(objects, (found) => {
      const result = parseNftRuleset(JSON.stringify({ nftables: [...frame, ...found] }), 'inet', 0);
      expect('ruleset' in result).toBe(true);
    }),
  );
});
