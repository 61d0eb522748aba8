import { readFileSync } from 'node:fs';
import { counterDeltas } from '../counters.js';
import { createOwnerIndex } from '../owner.js';
import { snapshotOf } from '../ruleset-fixture.js';
import { parseListing } from './parse.js';

function capture(name: string): string {
  return readFileSync(new URL(`../../testdata/${name}.txt`, import.meta.url), 'utf8');
}

const AT = { observedAt: 7 };

describe('a listing pasted without line breaks, before and after traffic', () => {
  const { snapshots, rejects } = parseListing(capture('listing-line-breaks-lost'), AT);
  const [before, after] = snapshots;

  it('holds two snapshots of one chain of the filter table', () => {
    expect(rejects).toEqual([]);
    expect(
      snapshots.map(({ tables }) =>
        tables.map(
          ({ name, chains }) => `${name} ${chains.map((chain) => `${chain.name}: ${chain.rules.length}`).join()}`,
        ),
      ),
    ).toEqual([['filter cali-tw-cali1f79f9e08f2: 3'], ['filter cali-tw-cali1f79f9e08f2: 3']]);
    expect(after?.tables[0]?.chains[0]?.rules.map(({ text }) => text)).toEqual([
      '-A cali-tw-cali1f79f9e08f2 -m comment --comment "cali:fthBuDq5I1oklYOL" -m comment --comment "Start of policies" -j MARK --set-xmark 0x0/0x2000000',
      '-A cali-tw-cali1f79f9e08f2 -m comment --comment "cali:Kp-Liqb4hWavW9dD" -m mark --mark 0x0/0x2000000 -j cali-pi-default.web-deny-all',
      '-A cali-tw-cali1f79f9e08f2 -m comment --comment "cali:Qe6UBTrru3RfK2MB" -m comment --comment "Drop if no policies passed packet" -m mark --mark 0x0/0x2000000 -j DROP',
    ]);
  });

  it('three packets, 180 bytes, dropped at pod web: policy default/web-deny-all was asked and let nothing through', () => {
    if (!before || !after) throw new Error('two snapshots were expected');
    const drop = counterDeltas(before, after).find(({ rule }) => rule?.target === 'DROP');
    expect(drop).toMatchObject({ packets: 3n, bytes: 180n, reset: false });
    const web = { name: 'cali1f79f9e08f2', namespace: 'default', pod: 'web' };
    const index = createOwnerIndex({ pods: [], policies: [], interfaces: [web] });
    expect(index.ownerOf(after, 'filter', 'cali-tw-cali1f79f9e08f2', drop?.rule)).toMatchObject({
      plugin: 'calico',
      role: 'end-of-policies',
      direction: 'ingress',
      workload: { namespace: 'default', pod: 'web' },
      tier: 'default',
      policies: [{ kind: 'NetworkPolicy', namespace: 'default', name: 'web-deny-all' }],
    });
  });
});

it('a listing whose words were changed is refused, with the reason', () => {
  const { snapshots, rejects } = parseListing(capture('listing-garbled'), AT);
  expect(snapshots).toEqual([]);
  expect(rejects.map(({ reason, detail }) => `${reason} ${detail}`)).toEqual([
    expect.stringMatching(/^UNKNOWN_SYNTAX No chain of an iptables listing/),
  ]);
});

it('a whole listing says what iptables-save says of the same rules', () => {
  const { snapshots, rejects } = parseListing(capture('azure-npm-iptables-nxvL'), AT);
  const saved = snapshotOf(capture('azure-npm-iptables-save-c-after'));
  const words = (text: string) =>
    text
      .split(/ (?=-[mj] )/)
      .toSorted()
      .join(' ');
  const lines = (snapshot: typeof saved | undefined) =>
    snapshot?.tables[0]?.chains
      .flatMap(({ name, policy, rules }) => [
        `${name} ${policy ?? '-'}`,
        ...rules.map(({ text, counter }) => `${counter?.packets}:${counter?.bytes} ${words(text)}`),
      ])
      .toSorted();
  expect(rejects).toEqual([]);
  expect(lines(snapshots[0])).toEqual(lines(saved));
});

describe('single rules', () => {
  function rule(line: string): string | undefined {
    const head =
      'Chain X (1 references)\n    pkts      bytes target     prot opt in     out     source               destination\n';
    return parseListing(head + line, AT).snapshots[0]?.tables[0]?.chains[0]?.rules[0]?.text;
  }

  it.each([
    [
      '1 60 ACCEPT tcp -- eth0 !lo 10.0.0.0/8 !10.0.0.1 tcp dpt:80',
      '-A X -s 10.0.0.0/8 ! -d 10.0.0.1/32 -i eth0 ! -o lo -p tcp -m tcp --dport 80 -j ACCEPT',
    ],
    [
      '1 60 REJECT 6 -- * * 0.0.0.0/0 0.0.0.0/0 tcp spts:1:5 dpt:!443 flags:0x17/0x02 reject-with tcp-reset',
      '-A X -p tcp -m tcp --sport 1:5 ! --dport 443 --tcp-flags FIN,SYN,RST,ACK SYN -j REJECT --reject-with tcp-reset',
    ],
    [
      '0 0 RETURN all -- * * 0.0.0.0/0 0.0.0.0/0 mark match ! 0x0/0x30000',
      '-A X -m mark ! --mark 0x0/0x30000 -j RETURN',
    ],
    ['0 0 MARK 0 -- * * 0.0.0.0/0 0.0.0.0/0 MARK or 0x400', '-A X -j MARK --set-xmark 0x400/0x400'],
    ['0 0 MARK 0 -- * * 0.0.0.0/0 0.0.0.0/0 MARK xset 0x10000/0x10000', '-A X -j MARK --set-xmark 0x10000/0x10000'],
    [
      '0 0 NFLOG 0 -- * * 0.0.0.0/0 0.0.0.0/0 nflog-prefix "DPI|default" nflog-group 1 nflog-size 80',
      '-A X -j NFLOG --nflog-prefix "DPI|default" --nflog-group 1 --nflog-size 80',
    ],
    [
      '0 0 LOG 0 -- * * 0.0.0.0/0 0.0.0.0/0 limit: avg 5/min burst 5 LOG flags 0 level 4 prefix "a b: "',
      '-A X -m limit --limit 5/min --limit-burst 5 -j LOG --log-prefix "a b: "',
    ],
    [
      '0 0 KUBE-SEP-A 0 -- * * 0.0.0.0/0 0.0.0.0/0 /* ns/svc */ statistic mode random probability 0.50000000000',
      '-A X -m comment --comment "ns/svc" -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-A',
    ],
    [
      '0 0 cali-fw-x all -- cali7 * 0.0.0.0/0 0.0.0.0/0 [goto] /* cali:AAAAAAAAAAAAAAAA */',
      '-A X -i cali7 -m comment --comment "cali:AAAAAAAAAAAAAAAA" -g cali-fw-x',
    ],
    ['5 300 0 -- * * 0.0.0.0/0 0.0.0.0/0 /* counts only */', '-A X -m comment --comment "counts only"'],
    ['0 0 DROP 0 -- * * 0.0.0.0/0 0.0.0.0/0 fancy new match', '-A X -m listing --text "fancy new match" -j DROP'],
  ])('%s', (line, wanted) => {
    expect(rule(`    ${line}`)).toBe(wanted);
  });

  it('counters that were shortened, chain policies, the table of the command', () => {
    const text = `$ iptables -t mangle -vnL FORWARD
Chain FORWARD (policy DROP 2 packets, 120 bytes)
 pkts bytes target     prot opt in     out     source               destination
  12K   3M DROP       all  --  *      *       0.0.0.0/0            0.0.0.0/0
`;
    const table = parseListing(text, AT).snapshots[0]?.tables[0];
    expect(table?.name).toBe('mangle');
    expect(table?.chains[0]).toMatchObject({ policy: 'DROP', counter: { packets: 2n, bytes: 120n } });
    expect(table?.chains[0]?.rules[0]?.counter).toEqual({ packets: 12_000n, bytes: 3_000_000n });
  });

  it('columns that are missing are a reason to refuse the chain', () => {
    const { snapshots, rejects } = parseListing(
      'Chain X (1 references)\ntarget prot opt source destination\nDROP all -- anywhere anywhere',
      AT,
    );
    expect(snapshots).toEqual([]);
    expect(rejects[0]?.detail).toMatch(/pkts bytes target/);
  });
});
