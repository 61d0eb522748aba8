import { readFileSync } from 'node:fs';
import type { Tuple } from '@whydrop/model';
import { createOwnerIndex } from '../owner.js';
import { walkPacket } from '../walk.js';
import { parseNftRuleset, type NftRuleset } from './parse.js';

function capture(name: string): string {
  return readFileSync(new URL(`../../testdata/${name}.json`, import.meta.url), 'utf8');
}

function read(payload: string, family: 'inet' | 'inet6' = 'inet'): NftRuleset {
  const found = parseNftRuleset(payload, family, 0);
  if (!('ruleset' in found)) throw new Error(found.detail);
  return found;
}

const TCP: Tuple = {
  protocol: 'TCP',
  source: '10.244.1.10',
  destination: '10.244.2.20',
  sourcePort: 1,
  destinationPort: 5432,
  icmp: undefined,
};

function walk(
  { ruleset, ipsets, baseChains }: NftRuleset,
  tuple: Tuple,
  ctstate: 'NEW' | 'INVALID' | 'ESTABLISHED' = 'NEW',
  localAddresses?: readonly string[],
) {
  const packet = {
    tuple,
    ctstate,
    inInterface: 'ens4',
    outInterface: 'veth4d5e6f70',
    mark: 0,
    tcpFlags: ['SYN' as const],
  };
  return walkPacket({ ruleset, ipsets, baseChains, packet, ...(localAddresses ? { localAddresses } : {}) });
}

function ends(result: ReturnType<typeof walkPacket>): readonly string[] {
  return result.outcomes.map(({ verdict, chain, position }) => `${verdict} ${chain}:${position}`);
}

describe('kube-router in nftables mode', () => {
  const nft = read(capture('kube-router-nft-j-list-ruleset'));
  const local = ['192.168.50.2/24'];

  it('one SYN to a port nobody allows is rejected at the pod', () => {
    expect(ends(walk(nft, TCP, 'NEW', local))).toEqual(['reject KUBE-POD-FW-K4H2C4ZB7GIO2PL3:6']);
    const counted = nft.ruleset.tables[0]?.chains.find(({ name }) => name.startsWith('KUBE-POD-FW'))?.rules[5];
    expect(counted?.counter).toEqual({ packets: 1n, bytes: 60n });
  });

  it('sets are asked: an allowed pod, an allowed network, INVALID', () => {
    const allowed = { ...TCP, destinationPort: 8080, source: '10.244.1.99' };
    expect(ends(walk(nft, allowed, 'NEW', local))).toEqual([expect.stringMatching(/^accept/)]);
    expect(ends(walk(nft, { ...TCP, source: '172.16.3.4' }, 'NEW', local))).toEqual([expect.stringMatching(/^accept/)]);
    expect(ends(walk(nft, TCP, 'INVALID', local))).toEqual(['drop KUBE-NWPLCY-COMMON:1']);
  });

  it('has the owners that its comments tell of', () => {
    const index = createOwnerIndex({ pods: [], policies: [] });
    const chain = 'KUBE-POD-FW-K4H2C4ZB7GIO2PL3';
    const table = nft.ruleset.tables[0];
    const rule = table?.chains.find(({ name }) => name === chain)?.rules[5];
    expect(index.ownerOf(nft.ruleset, table?.name ?? '', chain, rule)).toMatchObject({
      plugin: 'kube-router',
      role: 'end-of-policies',
      workload: { namespace: 'prod', pod: 'db-0' },
      policies: [{ namespace: 'prod', name: 'allow-web' }],
    });
  });
});

describe('a table of the inet family with maps, intervals and named counters', () => {
  const nft = read(capture('nft-j-list-ruleset'));

  it.each([
    [8080, '172.20.0.1', 'accept'],
    [9095, '10.244.1.10', 'accept'],
    [9095, '10.244.1.11', 'reject'],
    [5432, '10.244.1.10', 'reject'],
  ])('port %d from %s: %s', (destinationPort, source, wanted) => {
    expect(walk(nft, { ...TCP, destinationPort, source }).outcomes.map(({ verdict }) => verdict)).toEqual([wanted]);
  });

  it('rules about IPv4 addresses do not match IPv6 packets', () => {
    const texts = read(capture('nft-j-list-ruleset'), 'inet6').ruleset.tables.flatMap(({ chains }) =>
      chains.flatMap(({ rules }) => rules.map(({ text }) => text)),
    );
    expect(texts.filter((text) => text.includes('10.244.1.10') || text.includes('allowed-src'))).toEqual([]);
    expect(texts.some((text) => text.endsWith('-j DROP'))).toBe(true);
  });

  it('a named counter has its value', () => {
    const rules = nft.ruleset.tables.flatMap(({ chains }) => chains.flatMap((chain) => chain.rules));
    expect(rules.find(({ text }) => text.includes('--mark 0x0/0x10000'))?.counter).toEqual({
      packets: 2n,
      bytes: 140n,
    });
  });
});

it('tables of iptables-nft: what the JSON lost stays open', () => {
  const nft = read(capture('nft-j-list-ruleset-of-iptables-nft-tables'), 'inet6');
  const tuple = { ...TCP, source: 'fd00::1', destination: 'fd00::2' };
  const result = walk(nft, tuple);
  expect(result.certain).toBe(false);
  expect(result.missing.join()).toMatch(/xt-conntrack/);
});

it('kube-proxy: a random choice of endpoints, and no endpoints', () => {
  const rule = (chain: string, ...expr: readonly object[]) => ({
    rule: { family: 'ip', table: 'kube-proxy', chain, handle: 1, expr },
  });
  const chain = (name: string, base: object = {}) => ({
    chain: { family: 'ip', table: 'kube-proxy', name, handle: 1, ...base },
  });
  const daddr = (right: unknown) => ({
    match: { op: '==', left: { payload: { protocol: 'ip', field: 'daddr' } }, right },
  });
  const payload = JSON.stringify({
    nftables: [
      { table: { family: 'ip', name: 'kube-proxy' } },
      chain('nat-prerouting', { type: 'nat', hook: 'prerouting', prio: -100, policy: 'accept' }),
      chain('filter-forward', { type: 'filter', hook: 'forward', prio: -110, policy: 'accept' }),
      chain('service'),
      chain('one'),
      chain('two'),
      rule('nat-prerouting', daddr('10.96.0.1'), { goto: { target: 'service' } }),
      rule('service', {
        vmap: {
          key: { numgen: { mode: 'random', mod: 2, offset: 0 } },
          data: {
            set: [
              [0, { goto: { target: 'one' } }],
              [1, { goto: { target: 'two' } }],
            ],
          },
        },
      }),
      rule('one', { dnat: { addr: '10.2.0.1', port: 8080 } }),
      rule('two', { dnat: { addr: '10.2.0.2', port: 8080 } }),
      rule('filter-forward', daddr({ set: ['10.2.0.1'] }), { drop: null }),
      rule('filter-forward', daddr('10.96.0.2'), { reject: null }),
    ],
  });
  const service = { ...TCP, destination: '10.96.0.1', destinationPort: 80 };
  expect(ends(walk(read(payload), service)).toSorted()).toEqual(['accept filter-forward:0', 'drop filter-forward:1']);
  expect(ends(walk(read(payload), { ...service, destination: '10.96.0.2' }))).toEqual(['reject filter-forward:2']);
});

it.each(['', '{', '{"other": []}', '[]'])('refuses %j', (payload) => {
  expect(parseNftRuleset(payload, 'inet', 0)).toMatchObject({ kind: 'reject', reason: 'UNKNOWN_SYNTAX' });
});
