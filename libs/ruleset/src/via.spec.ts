import { readFileSync } from 'node:fs';
import type { Tuple } from '@whydrop/model';
import { snapshotOf } from './ruleset-fixture.js';
import { viaOf } from './via.js';
import { walkPacket } from './walk.js';

const TUPLE: Tuple = {
  protocol: 'TCP',
  source: '10.0.0.1',
  destination: '10.244.2.20',
  sourcePort: 1,
  destinationPort: 5432,
  icmp: undefined,
};

function via(text: string): string | undefined {
  const ruleset = snapshotOf(text);
  const ipsets = {
    kind: 'ipsets' as const,
    observedAt: 0,
    sets: ['2837910840', '3922407721'].map((name) => ({
      name: `azure-npm-${name}`,
      type: 'hash:net',
      family: 'inet' as const,
      members: [{ element: '10.244.2.20', nomatch: false, comment: undefined, timeout: undefined }],
    })),
  };
  const packet = { tuple: TUPLE, ctstate: 'NEW' as const, mark: 0, inInterface: 'a', outInterface: 'b' };
  const outcome = walkPacket({ ruleset, ipsets, packet }).outcomes.find(({ verdict }) => verdict === 'drop');
  const step = outcome && viaOf(ruleset, outcome.path);
  return step && `${step.chain}:${step.position}`;
}

describe('viaOf', () => {
  it('the policy whose mark the shared DROP asks for', () => {
    const text = readFileSync(new URL('../testdata/azure-npm-iptables-save-c-after.txt', import.meta.url), 'utf8');
    expect(via(text)).toBe('AZURE-NPM-INGRESS-2697641196:3');
  });

  it.each([
    [
      'the jump into a chain that only logs and drops',
      '-A FORWARD -p tcp -j LOGDROP\n-A LOGDROP -m limit --limit 1/s -j LOG\n-A LOGDROP -j DROP',
      'FORWARD:1',
    ],
    [
      'nothing, where the chain decides more than that',
      '-A FORWARD -j X\n-A X -p udp -j ACCEPT\n-A X -j DROP',
      undefined,
    ],
    ['nothing for a rule that speaks for itself', '-A FORWARD -p tcp -m tcp --dport 5432 -j DROP', undefined],
    ['nothing for a mark that must not be there', '-A FORWARD -m mark ! --mark 0x1/0x1 -j DROP', undefined],
    [
      'the MARK of a policy rule in two lines',
      '-A FORWARD -p tcp -j MARK --set-xmark 0x40000/0x40000\n-A FORWARD -m mark --mark 0x40000/0x40000 -j DROP',
      'FORWARD:1',
    ],
  ])('%s', (_, rules, wanted) => {
    expect(via(`*filter\n:FORWARD ACCEPT\n:LOGDROP -\n:X -\n${rules}\nCOMMIT`)).toBe(wanted);
  });
});
