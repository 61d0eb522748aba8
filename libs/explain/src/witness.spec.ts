import { decodeStream, type FormatId } from '@whydrop/decoders';
import { at, T0 } from './fixture.js';
import { attemptsOf, type PacketWitness, type Witnesses } from './witness.js';

function packets(format: FormatId, text: string): readonly PacketWitness[] {
  const context = { observedFrom: T0, observedTo: undefined, firstLine: 1, attributes: {} };
  return [...decodeStream(format, text, context)].flatMap((item) =>
    item.kind === 'packet' || item.kind === 'trace' ? [{ node: 'n1', packet: item }] : [],
  );
}

function flows(text: string): Witnesses['flows'] {
  const context = { observedFrom: T0, observedTo: undefined, firstLine: 1, attributes: {} };
  return [...decodeStream('conntrack-events', text, context)].flatMap((item) =>
    item.kind === 'flow' ? [{ node: 'n1', flow: item }] : [],
  );
}

const RULE = '-4 -t filter -A cali-tw-x -j DROP';
const traced = (seconds: number, id: string): string =>
  `${at(seconds)} PACKET: 2 ${id} IN=eth0 OUT=cali1 SRC=10.1.1.7 DST=10.1.2.9 LEN=84 TOS=0x0 TTL=62 ID=20967 DF \n` +
  `${at(seconds)}  TRACE: 2 ${id} filter:cali-tw-x:rule:0x8:DROP  ${RULE}\n`;

function logged(seconds: number, echo: number): string {
  const [sec, usec] = at(seconds).split('.');
  const ends = 'ip.saddr.str=10.1.1.7,ip.daddr.str=10.1.2.9';
  return `oob.prefix=DPI|default,oob.time.sec=${sec},oob.time.usec=${usec},ip.protocol=1,ip.totlen=84,icmp.type=8,icmp.code=0,icmp.echoid=${echo},oob.in=eth0,oob.out=cali1,${ends}\n`;
}

const NEW =
  '    [NEW] tcp      6 120 SYN_SENT src=10.1.1.7 dst=10.1.2.9 sport=40001 dport=80 [UNREPLIED] src=10.1.2.9 dst=10.1.1.7 sport=80 dport=40001 id=1';

const attempts = (given: Partial<Witnesses>) => attemptsOf({ flows: [], packets: [], verdicts: [], ...given });

describe('an echo', () => {
  it('that was traced, which tells no id, and logged, which does, is one attempt with the id', () => {
    const both = [...packets('xtables-trace', traced(1, 'aaaa0001')), ...packets('nflog-gprint', logged(1.02, 77))];
    const found = attempts({ packets: both });
    expect(found.map(({ packets: own, tuple }) => [own.length, tuple.icmp?.id])).toEqual([[2, 77]]);
  });

  it('belongs to the nearest in time of several between the same ends', () => {
    const logs = packets('nflog-gprint', logged(1, 77) + logged(2.5, 78));
    const found = attempts({ packets: [...packets('xtables-trace', traced(2.4, 'aaaa0001')), ...logs] });
    expect(found.map(({ packets: own, tuple }) => [tuple.icmp?.id, own.length])).toEqual([
      [77, 1],
      [78, 2],
    ]);
  });

  it('long before or after stays by itself', () => {
    const both = [...packets('xtables-trace', traced(40, 'aaaa0001')), ...packets('nflog-gprint', logged(1, 77))];
    expect(attempts({ packets: both })).toHaveLength(2);
  });
});

describe('a record that came twice', () => {
  const line = `[${at(1)}]\t${NEW}\n`;

  it('is one, and opens no second entry', () => {
    const found = attempts({ flows: [...flows(line), ...flows(line)] });
    expect(found.map(({ flows: own }) => own.length)).toEqual([1]);
  });

  it('counts one packet', () => {
    const twice = [...packets('nflog-gprint', logged(1, 77)), ...packets('nflog-gprint', logged(1, 77))];
    expect(attempts({ packets: twice }).map(({ packets: own }) => own.length)).toEqual([1]);
  });

  it('is not confused with the rest of a trace that was cut, of which only the first line is kept', () => {
    const kept = ({ node, packet }: PacketWitness) => ({
      node,
      packet: { ...packet, raw: packet.raw.split('\n')[0] ?? '' },
    });
    const whole = traced(1, 'aaaa0001');
    const [end] = packets('xtables-trace', whole).map(kept);
    const [begin] = packets(
      'xtables-trace',
      whole.replace(/TRACE: .*/, 'TRACE: 2 aaaa0001 raw:PREROUTING:policy:ACCEPT '),
    ).map(kept);
    if (!begin || !end) throw new Error('the trace has two parts');
    for (const parts of [
      [begin, end, begin, end],
      [end, end, begin, begin],
    ]) {
      expect(attempts({ packets: parts }).map(({ packets: own }) => own.length)).toEqual([2]);
    }
  });

  it('is not confused with the next entry of the same ports', () => {
    const found = attempts({ flows: flows(line + `[${at(9)}]\t${NEW}\n`) });
    expect(found).toHaveLength(2);
  });
});

describe('a packet after the end of its entry', () => {
  const end = (marks: string) =>
    `[DESTROY] tcp      6 CLOSE src=10.1.1.7 dst=10.1.2.9 sport=40001 dport=80 packets=2 bytes=100 ${marks}src=10.1.2.9 dst=10.1.1.7 sport=80 dport=40001 packets=1 bytes=40 id=1`;
  const syn = (seconds: number) =>
    `oob.prefix=DPI|default,oob.time.sec=${at(seconds).split('.')[0]},oob.time.usec=0,ip.protocol=6,ip.totlen=60,tcp.sport=40001,tcp.dport=80,tcp.seq=9,tcp.syn=1,tcp.ack=0,oob.in=eth0,oob.out=cali1,ip.saddr.str=10.1.1.7,ip.daddr.str=10.1.2.9\n`;
  const seen = (marks: string) =>
    attempts({
      flows: flows(`[${at(1)}]\t${NEW}\n[${at(2)}]\t${end(marks)}\n`),
      packets: packets('nflog-gprint', syn(3)),
    });

  it('that had been answered, though not assured, is another attempt', () => {
    expect(seen('')).toHaveLength(2);
  });

  it('that nobody had answered is the same attempt still', () => {
    expect(seen('[UNREPLIED] ')).toHaveLength(1);
  });
});
