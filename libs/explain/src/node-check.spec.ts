import { decodeStream } from '@whydrop/decoders';
import type { RulesetBackend, RulesetSnapshot } from '@whydrop/model';
import { calico, CLUSTER, save } from './cause-scene.js';
import { captured, T0 } from './fixture.js';
import { checkNode } from './node-check.js';

function snapshot(text: string, backend: RulesetBackend = 'nft'): RulesetSnapshot {
  const context = { observedFrom: T0, observedTo: undefined, firstLine: 1, attributes: {} };
  const [found] = [...decodeStream('iptables-save', text, context)];
  if (found?.kind !== 'ruleset') throw new Error('no ruleset');
  return { ...found, backend };
}

const [TO_WEB, TO_FREE] = [calico('web'), calico('free')];
/** Felix's rules for pod web, whose policy admits nobody that is there. */
const ENFORCED = [
  `-A FORWARD -j cali-FORWARD`,
  `-A cali-FORWARD -o cali+ -j cali-to-wl-dispatch`,
  `-A cali-to-wl-dispatch -o ${TO_WEB} -g cali-tw-${TO_WEB}`,
  `-A cali-to-wl-dispatch -o ${TO_FREE} -g cali-tw-${TO_FREE}`,
  `-A cali-tw-${TO_WEB} -m comment --comment "cali:AAAAAAAAAAAAAAAA" -m comment --comment "Drop if no profiles matched" -j DROP`,
  `-A cali-tw-${TO_FREE} -m comment --comment "cali:AAAAAAAAAAAAAAAB" -j ACCEPT`,
];
const LETS_ALL = ENFORCED.map((rule) => rule.replace('-j DROP', '-j RETURN'));

function check(rules: readonly string[], more: { beside?: readonly RulesetSnapshot[]; node?: string } = {}) {
  const { surroundings } = captured(CLUSTER, {});
  const view = surroundings.history.at(T0);
  const given = { node: 'n2', ruleset: snapshot(save(rules)), ipsets: undefined, view, earlier: view, ...more };
  const { drifts } = checkNode({ ...given, localAddresses: [], policyKinds: new Set(['NetworkPolicy']) });
  return drifts.map(({ code, workload }) => `${code} ${workload?.pod ?? ''}`);
}

describe('a node that enforces', () => {
  it('does what was written', () => {
    expect(check(ENFORCED)).toEqual([]);
  });

  it('lets through what is denied', () => {
    expect(check(LETS_ALL)).toEqual(['NODE_ALLOWS web']);
  });
});

describe('where nothing says that these rules enforce, nothing is missing from them', () => {
  it.each([
    ['kube-proxy alone', ['-A FORWARD -j KUBE-FORWARD', '-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP']],
    [
      'kubelet marks and drops',
      [
        '-A INPUT -j KUBE-FIREWALL',
        '-A KUBE-FIREWALL -m comment --comment "kubernetes firewall for dropping marked packets" -m mark --mark 0x8000/0x8000 -j DROP',
      ],
    ],
    ['a firewall of the host', ['-A FORWARD -s 203.0.113.9/32 -j DROP']],
    [
      'Calico enforces in eBPF: its chains only admit what was seen there',
      ['-A FORWARD -j cali-FORWARD', '-A cali-FORWARD -m mark --mark 0x1000000/0x1000000 -j ACCEPT'],
    ],
    [
      'kube-router left its entry behind, and runs in nftables',
      ['-A FORWARD -j KUBE-ROUTER-FORWARD', '-A KUBE-ROUTER-FORWARD -j RETURN'],
    ],
  ])('%s', (_name, rules) => {
    expect(check(rules)).toEqual([]);
  });
});

describe('two backends on one node', () => {
  it('what rules that were left behind let through, those of the other backend stop', () => {
    expect(check(LETS_ALL, { beside: [snapshot(save(ENFORCED), 'legacy')] })).toEqual([]);
  });

  it('a backend without rules that stop anything hides nothing', () => {
    expect(check(LETS_ALL, { beside: [snapshot(save(['-A FORWARD -j ACCEPT']), 'legacy')] })).toEqual([
      'NODE_ALLOWS web',
    ]);
  });

  it('a backend that is there and was not read may stop it', () => {
    const other = { ...snapshot(save(LETS_ALL)), otherBackendPresent: true };
    const { surroundings } = captured(CLUSTER, {});
    const view = surroundings.history.at(T0);
    const given = { node: 'n2', ruleset: other, ipsets: undefined, view, earlier: view, localAddresses: [] };
    expect(checkNode({ ...given, policyKinds: new Set() }).drifts).toEqual([]);
    const known = { ...given, beside: [snapshot(save(['-A FORWARD -j ACCEPT']), 'legacy')] };
    expect(checkNode({ ...known, policyKinds: new Set() }).drifts).toHaveLength(1);
  });
});
