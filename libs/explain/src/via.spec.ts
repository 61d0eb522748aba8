import { answersOf, calico, type CauseCase, steady, traced, WEB } from './cause-scene.js';

const LOGDROP = [
  '-A FORWARD -p tcp -m tcp --dport 8080 -j LOGDROP',
  '-A LOGDROP -j LOG --log-prefix "fw-drop: "',
  '-A LOGDROP -j DROP',
];
const MARKED = [
  '-A FORWARD -p tcp -m tcp --dport 8080 -j MARK --set-xmark 0x4000/0x4000',
  '-A FORWARD -m mark --mark 0x4000/0x4000 -j DROP',
];
const LINE = `1795214401.000000 fw-drop: IN=eth0 OUT=${calico('web')} SRC=10.1.1.7 DST=${WEB} LEN=60 TOS=0x00 TTL=63 ID=1 DF PROTO=TCP SPT=40001 DPT=8080 SEQ=7 WINDOW=64240 RES=0x00 SYN URGP=0\n`;

function rules(nodes: CauseCase['nodes']) {
  const [drop] = answersOf({ code: 'OTHER_FIREWALL', story: '', finds: '', nodes });
  return [drop?.explanation.chainRule?.text, drop?.explanation.via?.text];
}

describe('the rule that sent a packet to its end', () => {
  it('is the jump into a chain that only logs and drops', () => {
    expect(rules({ n2: { kernelLog: LINE, rulesets: steady(LOGDROP, 1) } })).toEqual([LOGDROP[2], LOGDROP[0]]);
  });

  it('is the rule that set the mark, in a trace', () => {
    const mark = `1795214401.000000  TRACE: 2 1a2b3c4d filter:FORWARD:rule:0x6:CONTINUE  -4 -t filter ${MARKED[0]}\n`;
    const [packet = '', end = ''] = traced(1, {}, MARKED[1] ?? '').split('\n');
    const trace = `${packet}\n${mark}${end}\n`;
    expect(rules({ n2: { trace, rulesets: steady(MARKED, 1) } })).toEqual([MARKED[1], MARKED[0]]);
  });

  it('is not told where the rule speaks for itself', () => {
    const own = ['-A FORWARD -s 10.1.1.7/32 -j DROP'];
    expect(rules({ n2: { trace: traced(1, {}, own[0] ?? ''), rulesets: steady(own, 1) } })).toEqual([
      own[0],
      undefined,
    ]);
  });
});
