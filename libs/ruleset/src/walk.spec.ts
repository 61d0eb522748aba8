import type { Ipset, IpsetSnapshot, Tuple } from '@whydrop/model';
import { snapshotOf } from './ruleset-fixture.js';
import { walkPacket, type WalkInput } from './walk.js';
import type { WalkPacket } from './walk/state.js';

const TCP: Tuple = {
  protocol: 'TCP',
  source: '10.0.1.5',
  destination: '10.0.2.9',
  sourcePort: 40_000,
  destinationPort: 80,
  icmp: undefined,
};
const PACKET: WalkPacket = {
  tuple: TCP,
  inInterface: 'eth0',
  outInterface: 'veth1',
  ctstate: 'NEW',
  mark: 0,
  tcpFlags: ['SYN'],
  physicalIn: null,
  physicalOut: null,
};

function set(name: string, type: string, elements: readonly string[], family: Ipset['family'] = 'inet'): Ipset {
  const members = elements.map((text) => ({
    element: text.replace(' nomatch', ''),
    nomatch: text.endsWith(' nomatch'),
    comment: undefined,
    timeout: undefined,
  }));
  return { name, type, family: type.startsWith('list:') ? undefined : family, members };
}

function sets(...all: readonly Ipset[]): IpsetSnapshot {
  return { kind: 'ipsets', observedAt: 0, sets: all };
}

/** Walks the rules of chain FORWARD (and others given in full); returns the ends in short: `drop FORWARD:2`. */
function walk(rules: string, packet: Partial<WalkPacket> = {}, more: Partial<WalkInput> = {}): readonly string[] {
  const text = rules.includes('*') ? rules : `*filter\n:FORWARD ACCEPT\n${chains(rules)}\n${rules}\nCOMMIT`;
  const result = walkPacket({
    ruleset: snapshotOf(text),
    ipsets: undefined,
    packet: { ...PACKET, ...packet },
    ...more,
  });
  expect(result.certain).toBe(result.outcomes.length === 1 && result.outcomes[0]?.verdict !== 'unknown');
  return result.outcomes.map(({ verdict, chain, position }) => `${verdict} ${chain}:${position}`).toSorted();
}

function chains(rules: string): string {
  const names = new Set(Array.from(rules.matchAll(/-A (\S+)/g), ([, name]) => name ?? ''));
  return [...names]
    .filter((name) => name !== 'FORWARD')
    .map((name) => `:${name} -`)
    .join('\n');
}

function single(match: string, packet: Partial<WalkPacket> = {}, more: Partial<WalkInput> = {}): string {
  const found = walk(`-A FORWARD ${match} -j DROP`, packet, more);
  if (found.length > 1) return 'maybe';
  return found[0] === 'drop FORWARD:1' ? 'yes' : 'no';
}

describe('jumps', () => {
  it('the first rule that decides, decides', () => {
    expect(walk('-A FORWARD -p udp -j DROP\n-A FORWARD -p tcp -j REJECT\n-A FORWARD -j DROP')).toEqual([
      'reject FORWARD:2',
    ]);
  });

  it('a chain without decision returns to its caller; RETURN does at once', () => {
    const rules =
      '-A FORWARD -j X\n-A FORWARD -j DROP\n-A X -j Y\n-A X -j RETURN\n-A X -j ACCEPT\n-A Y -p udp -j ACCEPT';
    expect(walk(rules)).toEqual(['drop FORWARD:2']);
  });

  it('goto does not come back: its end is the end of the caller', () => {
    expect(walk('-A FORWARD -j X\n-A FORWARD -j DROP\n-A X -g Y\n-A X -j ACCEPT\n-A Y -p udp -j ACCEPT')).toEqual([
      'drop FORWARD:2',
    ]);
    expect(walk('-A FORWARD -g Y\n-A FORWARD -j DROP\n-A Y -p udp -j ACCEPT')).toEqual(['accept FORWARD:0']);
  });

  it('the chain policy decides what no rule did, and RETURN in a base chain asks it', () => {
    expect(walk('*filter\n:FORWARD DROP\n-A FORWARD -p udp -j ACCEPT\nCOMMIT')).toEqual(['drop FORWARD:0']);
    expect(walk('*filter\n:FORWARD DROP\n-A FORWARD -j RETURN\n-A FORWARD -j ACCEPT\nCOMMIT')).toEqual([
      'drop FORWARD:0',
    ]);
  });

  it('a target nobody knows leaves the end open', () => {
    expect(walk('-A FORWARD -j WEIRD\n-A FORWARD -j DROP')).toEqual(['unknown FORWARD:1']);
  });

  it('log, trace and other passive targets let the packet go on', () => {
    expect(
      walk(
        '-A FORWARD -j LOG --log-prefix "a: "\n-A FORWARD -j NFLOG\n-A FORWARD -j TRACE\n-A FORWARD\n-A FORWARD -j DROP',
      ),
    ).toEqual(['drop FORWARD:5']);
  });

  it('tells the way it took', () => {
    const text =
      '*filter\n:FORWARD ACCEPT\n:X -\n-A FORWARD -p udp -j DROP\n-A FORWARD -j X\n-A X -j LOG\n-A X -j DROP\nCOMMIT';
    const input = { ruleset: snapshotOf(text), ipsets: undefined, packet: PACKET };
    const way = walkPacket(input).path.map(({ chain, position, matched }) => `${chain}:${position} ${matched}`);
    expect(way).toEqual(['FORWARD:2 yes', 'X:1 yes', 'X:2 yes']);
    expect(walkPacket({ ...input, withMisses: true }).path[0]).toMatchObject({ position: 1, matched: 'no' });
  });
});

describe('matches', () => {
  it.each([
    ['-s 10.0.0.0/16', 'yes'],
    ['-s 10.0.1.5/32', 'yes'],
    ['-s 10.0.2.0/24', 'no'],
    ['! -s 10.0.2.0/24', 'yes'],
    ['-s 10.0.0.5/255.255.0.255', 'yes'],
    ['-d 0.0.0.0/0', 'yes'],
    ['-i eth0', 'yes'],
    ['-i eth+', 'yes'],
    ['! -i eth+', 'no'],
    ['-o eth0', 'no'],
    ['-p tcp', 'yes'],
    ['! -p tcp', 'no'],
    ['-p 6', 'yes'],
    ['-p tcp -m tcp --dport 80', 'yes'],
    ['-p tcp -m tcp --dport 70:90', 'yes'],
    ['-p tcp -m tcp --dport 81:', 'no'],
    ['-p tcp -m tcp ! --dport 80', 'no'],
    ['-p tcp -m tcp --sport 40000', 'yes'],
    ['-p tcp -m multiport --dports 22,79:81', 'yes'],
    ['-p tcp -m multiport ! --dports 22,443', 'yes'],
    ['-p tcp -m multiport --ports 40000', 'yes'],
    ['-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN', 'yes'],
    ['-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN', 'no'],
    ['-m conntrack --ctstate NEW', 'yes'],
    ['-m conntrack ! --ctstate RELATED,ESTABLISHED', 'yes'],
    ['-m state --state INVALID', 'no'],
    ['-m conntrack --ctdir ORIGINAL', 'yes'],
    ['-m conntrack --ctstate NEW --ctorigdst 10.0.2.9', 'yes'],
    ['-m mark --mark 0x0/0x10000', 'yes'],
    ['-m mark ! --mark 0x10000/0x10000', 'yes'],
    ['-m mark --mark 0x1', 'no'],
    ['-m comment --comment "x"', 'yes'],
    ['-m physdev --physdev-is-bridged', 'no'],
    ['-m physdev ! --physdev-is-bridged', 'yes'],
    ['-m limit --limit 5/min', 'maybe'],
    ['-m statistic --mode random --probability 0.5', 'maybe'],
    ['-m statistic --mode random --probability 1.00000000000', 'yes'],
    ['-m string --string "-j ACCEPT" --algo bm', 'maybe'],
    ['-m owner --uid-owner 0', 'no'],
    ['-m rpfilter --invert', 'maybe'],
    ['-m set --match-set nowhere src', 'maybe'],
    ['-m addrtype --dst-type LOCAL', 'maybe'],
    ['-m addrtype --dst-type MULTICAST', 'no'],
    ['-m connmark --mark 0x0/0xff', 'yes'],
  ])('%s: %s', (match, wanted) => {
    expect(single(match)).toBe(wanted);
  });

  it('addrtype with the addresses of the node', () => {
    const localAddresses = ['10.0.2.9/24', '127.0.0.1/8'];
    const forwarded: Partial<WalkPacket> = { hook: 'FORWARD' };
    expect(single('-m addrtype --dst-type LOCAL', forwarded, { localAddresses })).toBe('yes');
    expect(single('-m addrtype ! --src-type LOCAL', forwarded, { localAddresses })).toBe('yes');
    const broadcast = { ...forwarded, tuple: { ...TCP, destination: '10.0.2.255' } };
    expect(single('-m addrtype --dst-type BROADCAST', broadcast, { localAddresses })).toBe('yes');
    expect(
      single(
        '-m addrtype --dst-type UNICAST',
        { ...forwarded, tuple: { ...TCP, destination: '10.0.2.8' } },
        { localAddresses },
      ),
    ).toBe('yes');
  });

  it('ICMP types', () => {
    const tuple: Tuple = {
      ...TCP,
      protocol: 'ICMP',
      sourcePort: undefined,
      destinationPort: undefined,
      icmp: { type: 8, code: 0, id: 1 },
    };
    expect(single('-p icmp -m icmp --icmp-type 8', { tuple })).toBe('yes');
    expect(single('-p icmp -m icmp --icmp-type 3/1', { tuple })).toBe('no');
    expect(single('-p icmp -m icmp ! --icmp-type 8', { tuple })).toBe('no');
    expect(single('-p icmp -m icmp --icmp-type any', { tuple })).toBe('yes');
  });

  it('without an entry in conntrack only the state can be asked', () => {
    expect(single('-m conntrack --ctdir ORIGINAL', { ctstate: 'INVALID' })).toBe('no');
    expect(single('-m conntrack ! --ctorigdst 1.1.1.1', { ctstate: 'UNTRACKED' })).toBe('no');
    expect(single('-m connmark ! --mark 0x1', { ctstate: 'INVALID' })).toBe('no');
    expect(single('-m conntrack --ctstate INVALID --ctdir REPLY', { ctstate: 'INVALID' })).toBe('yes');
  });

  it('bridged packets and their ports', () => {
    const bridged: Partial<WalkPacket> = { physicalIn: 'vethwepl1', physicalOut: 'vethwe-bridge' };
    expect(single('-m physdev --physdev-is-bridged', bridged)).toBe('yes');
    expect(single('-m physdev --physdev-out vethwe-bridge --physdev-is-bridged', bridged)).toBe('yes');
    expect(single('-m physdev --physdev-in vethwepl+', bridged)).toBe('yes');
    expect(single('-m physdev ! --physdev-in vethwepl+', bridged)).toBe('no');
    expect(single('-m physdev --physdev-is-bridged', { physicalIn: undefined, physicalOut: undefined })).toBe('maybe');
  });
});

describe('sets', () => {
  const ipsets = sets(
    set('pods', 'hash:ip', ['10.0.1.5', '10.0.1.6']),
    set('nets', 'hash:net', ['10.0.0.0/8', '10.0.1.0/24 nomatch', '10.0.1.4/30', '10.0.2.0/24 nomatch']),
    set('named', 'hash:ip,port', ['10.0.2.9,tcp:80', '10.0.2.9,udp:53']),
    set('pairs', 'hash:net,net', ['10.0.1.0/24,10.0.2.0/24']),
    set('netport', 'hash:net,port', ['10.0.2.0/24,tcp:80']),
    set('netif', 'hash:net,iface', ['10.0.1.0/24,eth0']),
    set('ports', 'bitmap:port', ['80', '443']),
    set('six', 'hash:ip', ['fd00::1'], 'inet6'),
    set('list', 'list:set', ['six', 'named', 'pods']),
    set('empty', 'hash:net', []),
  );

  it.each([
    ['pods src', 'yes'],
    ['pods dst', 'no'],
    ['nets src', 'yes'],
    ['nets dst', 'no'],
    ['named dst,dst', 'yes'],
    ['named dst,src', 'no'],
    ['named dst', 'no'],
    ['pairs src,dst', 'yes'],
    ['pairs dst,src', 'no'],
    ['netport dst,dst', 'yes'],
    ['netif src,src', 'yes'],
    ['netif src,dst', 'no'],
    ['ports dst', 'yes'],
    ['ports src', 'no'],
    ['list src', 'yes'],
    ['list dst', 'no'],
    ['list dst,dst', 'yes'],
    ['empty src', 'no'],
    ['six src', 'no'],
  ])('%s: %s', (text, wanted) => {
    expect(single(`-m set --match-set ${text}`, {}, { ipsets })).toBe(wanted);
    expect(single(`-m set ! --match-set ${text}`, {}, { ipsets })).toBe(wanted === 'yes' ? 'no' : 'yes');
  });

  it('--return-nomatch asks for the exceptions', () => {
    expect(single('-m set --match-set nets dst --return-nomatch', {}, { ipsets })).toBe('yes');
    expect(single('-m set --match-set nets src --return-nomatch', {}, { ipsets })).toBe('no');
  });
});

describe('marks', () => {
  it('what MARK sets, later rules see', () => {
    const rules = `-A FORWARD -j MARK --set-xmark 0x10000/0x10000
      -A FORWARD -j MARK --set-xmark 0x0/0x1
      -A FORWARD -m mark --mark 0x10000 -j DROP`;
    expect(walk(rules, { mark: 1 })).toEqual(['drop FORWARD:3']);
  });

  it('of an unknown mark the bits that were set or tested are known', () => {
    const rules = `-A FORWARD -j MARK --set-xmark 0x0/0x20000
      -A FORWARD -m mark --mark 0x10000/0x10000 -j ACCEPT
      -A FORWARD -m mark --mark 0x10000/0x10000 -j REJECT
      -A FORWARD -m mark --mark 0x0/0x20000 -j DROP`;
    expect(walk(rules, { mark: undefined }, { path: ['filter:FORWARD'] })).toEqual([
      'accept FORWARD:2',
      'drop FORWARD:4',
    ]);
  });

  it('saves to and restores from the connection', () => {
    const rules = `-A FORWARD -j MARK --set-xmark 0xab/0xff
      -A FORWARD -j CONNMARK --save-mark --nfmask 0xf0 --ctmask 0xf0
      -A FORWARD -j MARK --set-xmark 0x0/0xffffffff
      -A FORWARD -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff
      -A FORWARD -m mark --mark 0xa0 -j DROP`;
    expect(walk(rules)).toEqual(['drop FORWARD:5']);
    expect(walk(rules, { ctstate: 'UNTRACKED' })).toEqual(['accept FORWARD:0']);
  });
});

describe('what is not known', () => {
  it('forks, and a fact taken once holds to the end', () => {
    const rules = `-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      -A FORWARD -m conntrack --ctstate INVALID -j DROP
      -A FORWARD -m conntrack --ctstate RELATED -j REJECT
      -A FORWARD -m conntrack --ctstate NEW -j DROP
      -A FORWARD -j REJECT`;
    expect(walk(rules, { ctstate: 'unknown' }, { path: ['filter:FORWARD'] })).toEqual([
      'accept FORWARD:1',
      'drop FORWARD:2',
      'drop FORWARD:4',
      'reject FORWARD:5',
    ]);
  });

  it('is certain when every way ends at the same rule', () => {
    expect(
      walk(
        '-A FORWARD -m limit --limit 1/s -j LOG\n-A FORWARD -m string --string x -j X\n-A FORWARD -j DROP\n-A X -j RETURN',
      ),
    ).toEqual(['drop FORWARD:2'.replace('2', '3')]);
  });

  it('a rate limit may answer differently each time', () => {
    const rules =
      '-A FORWARD -m limit --limit 1/s -j ACCEPT\n-A FORWARD -m limit --limit 1/s -j DROP\n-A FORWARD -j REJECT';
    expect(walk(rules)).toEqual(['accept FORWARD:1', 'drop FORWARD:2', 'reject FORWARD:3']);
  });

  it('a rate limit behind rules that do not match is asked once a time', () => {
    const rules =
      '-A FORWARD -p udp -j DROP\n-A FORWARD -p udp -j DROP\n-A FORWARD -m limit --limit 1/s -m string --string x -j ACCEPT\n-A FORWARD -j REJECT';
    expect(walk(rules)).toEqual(['accept FORWARD:3', 'reject FORWARD:4']);
  });

  it('names what would decide', () => {
    const ruleset = snapshotOf('*filter\n:FORWARD DROP\n-A FORWARD -m set --match-set web src -j ACCEPT\nCOMMIT');
    const result = walkPacket({ ruleset, ipsets: undefined, packet: PACKET });
    expect(result.missing).toEqual(['ipset web']);
    expect(result.outcomes.map(({ assuming }) => assuming)).toEqual([['set web src'], ['! set web src']]);
  });

  it('the other backend may hold rules too', () => {
    const ruleset = { ...snapshotOf('*filter\n:FORWARD ACCEPT\nCOMMIT'), otherBackendPresent: true };
    expect(walkPacket({ ruleset, ipsets: undefined, packet: PACKET })).toMatchObject({
      certain: false,
      missing: ['rules of the legacy backend'],
    });
  });

  it('stops following when there are too many ways', () => {
    const rules = Array.from(
      { length: 40 },
      (_, i) => `-A FORWARD -m string --string s${i} -j MARK --set-xmark ${1 << (i % 31)}`,
    );
    expect(walk([...rules, '-A FORWARD -j DROP'].join('\n'))).toContain('drop FORWARD:41');
  });
});

describe('tables and hooks', () => {
  const text = `*raw
:PREROUTING ACCEPT
-A PREROUTING -m conntrack ! --ctstate INVALID -j DROP
-A PREROUTING -p udp -j CT --notrack
COMMIT
*nat
:PREROUTING ACCEPT
:SVC -
-A PREROUTING -d 10.96.0.1/32 -p tcp -m tcp --dport 443 -j SVC
-A SVC -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.0.2.9:8443
-A SVC -j DNAT --to-destination 10.0.2.10:8443
COMMIT
*filter
:INPUT DROP
:FORWARD DROP
-A FORWARD -m conntrack --ctstate UNTRACKED -j REJECT
-A FORWARD -d 10.0.2.9/32 -p tcp -m tcp --dport 8443 -m conntrack --ctstate DNAT -j ACCEPT
COMMIT`;
  const service = { ...TCP, destination: '10.96.0.1', destinationPort: 443 };

  it('a service is translated before the filter sees it; the choice of endpoint is open', () => {
    expect(walk(text, { tuple: service })).toEqual(['accept FORWARD:2', 'drop FORWARD:0']);
  });

  it('the nat table is not asked for packets of known connections', () => {
    expect(walk(text, { tuple: service, ctstate: 'ESTABLISHED' })).toEqual(['drop FORWARD:0']);
  });

  it('NOTRACK makes it UNTRACKED', () => {
    expect(walk(text, { tuple: { ...TCP, protocol: 'UDP' } })).toEqual(['reject FORWARD:1']);
  });

  it('behind a DNAT in OUTPUT the rules still see the interface that was chosen before', () => {
    const rules = `*nat
:OUTPUT ACCEPT
-A OUTPUT -d 10.96.0.1/32 -j DNAT --to-destination 10.0.3.1
COMMIT
*filter
:OUTPUT ACCEPT
-A OUTPUT -d 10.0.3.1/32 -o eth0 -j DROP
COMMIT
*mangle
:POSTROUTING ACCEPT
-A POSTROUTING -o eth1 -j DROP
COMMIT`;
    const routes = [
      { destination: 'default', interface: 'eth0' },
      { destination: '10.0.3.0/24', interface: 'eth1' },
    ];
    const own = { inInterface: null, outInterface: undefined, tuple: { ...TCP, destination: '10.96.0.1' } };
    expect(walk(rules, own, { routes })).toEqual(['drop OUTPUT:1']);
    expect(walk(rules.replace('-o eth0', '-o eth1'), own, { routes })).toEqual(['drop POSTROUTING:1']);
  });

  it('INPUT for the addresses of the node', () => {
    expect(walk(text, { outInterface: undefined }, { localAddresses: ['10.0.2.9/24'] })).toEqual(['drop INPUT:0']);
  });
});
