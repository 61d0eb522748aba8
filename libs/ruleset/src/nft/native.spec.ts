import { readFileSync } from 'node:fs';
import type { RulesetSnapshot, Tuple } from '@whydrop/model';
import { walkPacket, type PathStop } from '../walk.js';
import { nativeRulesets } from './parse.js';

const CAPTURE = '../../../decoders/src/nft-json/captures/table-with-sets-and-counters.json';

const { nftables } = JSON.parse(readFileSync(new URL(CAPTURE, import.meta.url), 'utf8')) as { nftables: unknown[] };
const rulesets = nativeRulesets({ kind: 'nft-listing', observedAt: 7, objects: nftables });
const [v4, v6] = rulesets;

const TO_NODE: readonly PathStop[] = ['raw:PREROUTING', 'mangle:PREROUTING', 'mangle:INPUT', 'filter:INPUT'];

function ends(ruleset: RulesetSnapshot | undefined, source: string, destinationPort: number, path?: typeof TO_NODE) {
  if (!ruleset) throw new Error('no such ruleset');
  const addresses = { source, destination: '127.0.0.1' };
  const tuple: Tuple = { protocol: 'TCP', ...addresses, sourcePort: 1, destinationPort, icmp: undefined };
  const packet = { tuple, ctstate: 'NEW' as const, hook: 'INPUT' as const };
  const { outcomes } = walkPacket({ ruleset, ipsets: undefined, packet, ...(path ? { path } : {}) });
  return outcomes.map(({ verdict, table, chain, position }) => `${verdict} ${table}/${chain}:${position}`);
}

describe('the native tables of a listing', () => {
  it('are one ruleset per family; what iptables-nft made is left to iptables-save', () => {
    expect(rulesets.map(({ family, backend, tables }) => [family, backend, tables.map(({ name }) => name)])).toEqual([
      ['inet', 'nftables', ['fence', 'translate']],
      ['inet6', 'nftables', ['fence']],
    ]);
  });

  it.each([
    ['a stranger is dropped', '192.0.2.1', 5432, ['drop fence/guard:2']],
    ['a member of a set is not', '10.9.1.1', 5432, ['accept fence/inbound:2']],
    ['nor is one of a set of address, protocol and port', '127.0.0.3', 8080, ['accept fence/inbound:3']],
  ])('%s, with the sets and hooks of the snapshot itself', (_, source, port, expected) => {
    expect(ends(v4, source, port)).toEqual(expected);
    // A path in the words of iptables leads through the base chains of the same hooks.
    expect(ends(v4, source, port, TO_NODE)).toEqual(expected);
  });

  it('counters are those of the rules that counted', () => {
    const guard = v4?.tables[0]?.chains.find(({ name }) => name === 'guard');
    expect(guard?.rules.at(-1)).toMatchObject({ target: 'DROP', comments: ['nobody else'] });
    expect(guard?.rules.at(-1)?.counter?.packets).toBeGreaterThan(0n);
    expect(v6?.tables[0]?.chains.map(({ base }) => base?.hook)).toEqual(['INPUT', undefined]);
  });

  it('a listing of something else has none', () => {
    expect(nativeRulesets({ kind: 'nft-listing', observedAt: 0, objects: [null, 1, 'a', { table: null }] })).toEqual(
      [],
    );
  });
});
