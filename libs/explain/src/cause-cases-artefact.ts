import { calico, calicoDrop, type CauseCase, ct, endOfTier, save, steady, unanswered, WEB } from './cause-scene.js';
import type { NodeFixture } from './fixture.js';

/** What looked like drops, and how it is handled: by the drops that are told, with attempts and packets. */
export interface ArtefactCase {
  readonly handles: string;
  readonly story: string;
  readonly nodes: CauseCase['nodes'];
  readonly drops: readonly { readonly attempts: number; readonly packets: number }[];
}

const LOG_FIRST = [
  '-A FORWARD -p tcp -j LOG --log-prefix "seen: "',
  '-A FORWARD -p tcp -m tcp --dport 8080 -j ACCEPT',
  '-A FORWARD -j DROP',
];

function logged(seconds: number, prefix: string, more = ''): string {
  return `${(1_795_214_400 + seconds).toFixed(6)} ${prefix}IN=eth0 OUT=${calico('web')} ${more}SRC=10.1.1.7 DST=${WEB} LEN=60 TOS=0x00 TTL=63 ID=1 DF PROTO=TCP SPT=40001 DPT=8080 SEQ=77 WINDOW=64240 RES=0x00 SYN URGP=0\n`;
}

const END = endOfTier('web');
const LOG_END = `-A cali-tw-${calico('web')} -m mark --mark 0x0/0x20000 -j LOG --log-prefix "calico-packet: "`;
const fan = [1, 2, 4, 8].map((seconds) => logged(seconds, 'calico-packet: ')).join('');
const counted = (before: number, after: number): NodeFixture => ({
  complete: ['conntrack', 'iptables', 'nflog'],
  rulesets: {
    0: save([`-A FORWARD -o ${calico('web')} -j cali-tw-${calico('web')}`, END], before),
    60: save([`-A FORWARD -o ${calico('web')} -j cali-tw-${calico('web')}`, END], after),
  },
});
const SOURCE: NodeFixture = { conntrack: unanswered() };
const bridged = { ...calicoDrop('web', {}, 1.1) };

/** Section F: nothing was dropped, or it was counted wrongly. */
export const ARTEFACT_CASES: readonly ArtefactCase[] = [
  {
    handles: 'LOGGED_BEFORE_VERDICT',
    story: 'a LOG rule stands before the ACCEPT; conntrack confirms the connection right after',
    nodes: {
      n2: {
        kernelLog: logged(1, 'seen: '),
        rulesets: steady(LOG_FIRST),
        conntrack: ct(1.001, 'NEW', 'SYN_SENT', 'UNREPLIED') + ct(1.002, 'UPDATE', 'SYN_RECV', ''),
      },
    },
    drops: [],
  },
  {
    handles: 'LOGGED_BEFORE_VERDICT',
    story: 'near it: the log rule stands right before the DROP, and nothing is confirmed',
    nodes: { n2: { kernelLog: logged(1, 'calico-packet: '), rulesets: steady([LOG_END, END], 1) } },
    drops: [{ attempts: 1, packets: 1 }],
  },
  {
    handles: 'FLOODED_FRAME',
    story: 'n3, where neither end lives, logs a copy that its bridge flooded',
    nodes: { n3: { kernelLog: logged(1, 'calico-packet: ', 'PHYSIN=vxlan1 '), rulesets: steady([LOG_END, END], 1) } },
    drops: [],
  },
  {
    handles: 'FLOODED_FRAME',
    story: 'near it: the node of web logs it over the same kind of port',
    nodes: { n2: { kernelLog: logged(1, 'calico-packet: ', 'PHYSIN=vxlan1 '), rulesets: steady([LOG_END, END], 1) } },
    drops: [{ attempts: 1, packets: 1 }],
  },
  {
    handles: 'RETRY_FAN',
    story: 'one connect sends its SYN at 1, 2, 4 and 8 seconds',
    nodes: { n1: SOURCE, n2: { kernelLog: fan, rulesets: steady([LOG_END, END], 4) } },
    drops: [{ attempts: 1, packets: 4 }],
  },
  {
    handles: 'RETRY_FAN',
    story: 'near it: another connect on the same ports has another first sequence number',
    nodes: {
      n2: {
        kernelLog: logged(1, 'calico-packet: ') + logged(2, 'calico-packet: ').replace('SEQ=77', 'SEQ=99'),
        rulesets: steady([LOG_END, END], 2),
      },
    },
    drops: [
      { attempts: 1, packets: 1 },
      { attempts: 1, packets: 1 },
    ],
  },
  {
    handles: 'TWO_REPORTERS',
    story: 'the log and the trace of n2 and the conntrack of n1 tell of one packet',
    nodes: {
      n1: SOURCE,
      n2: { ...bridged, kernelLog: logged(1.1, 'calico-packet: '), rulesets: steady([LOG_END, END], 1) },
    },
    drops: [{ attempts: 1, packets: 1 }],
  },
  {
    handles: 'COUNTER_RESET',
    story: 'the counter went down from nine to two: it began anew, and two is the least it counted',
    nodes: { n1: SOURCE, n2: counted(9, 2) },
    drops: [{ attempts: 1, packets: 2 }],
  },
  {
    handles: 'COUNTER_RESET',
    story: 'near it: the counter rose by three',
    nodes: { n1: SOURCE, n2: counted(9, 12) },
    drops: [{ attempts: 1, packets: 3 }],
  },
  {
    handles: 'CAPPED',
    story: 'the log shows one of three packets that the rule counted: the drop has what was seen of it',
    nodes: { n2: { kernelLog: logged(1, 'calico-packet: '), rulesets: steady([LOG_END, END], 3) } },
    drops: [{ attempts: 1, packets: 1 }],
  },
];
