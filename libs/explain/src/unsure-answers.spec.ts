import { createHash } from 'node:crypto';
import {
  answersOf,
  calicoDrop,
  type CauseCase,
  calico,
  CLUSTER,
  cluster,
  ct,
  endOfTier,
  FREE,
  FROM_CLIENT1,
  NODES,
  pod,
  PODS,
  policy,
  QUIET,
  save,
  SERVICES,
  unanswered,
  WEB,
} from './cause-scene.js';
import { at, type ObjectAt } from './fixture.js';
import { nflogLine } from './shop.js';

type Scene = Pick<CauseCase, 'nodes' | 'objects' | 'later'>;

function only(scene: Scene) {
  const [drop, ...others] = answersOf({ code: 'UNDECIDED', story: '', finds: '', ...scene });
  expect(others).toEqual([]);
  return drop?.explanation;
}

const codes = (scene: Scene) => only(scene)?.findings.flatMap(({ code }) => (code.startsWith('INTENT_') ? code : []));
const FW = `-A FORWARD -o ${calico('web')} -j cali-tw-${calico('web')}`;
const rules = (packets: number) => save([FW, endOfTier('web')], packets);
const complete = ['conntrack', 'iptables', 'nflog'];

describe('a snapshot is stamped before it is read', () => {
  const conntrack = unanswered({}, 30.4);

  it('what it had counted already when the packet died is not missed', () => {
    const rulesets = { 0: rules(0), 30: rules(1), 60: rules(1) };
    const found = only({ nodes: { n1: { conntrack }, n2: { complete, rulesets } } });
    expect(found).toMatchObject({ cause: 'POLICY_DEFAULT_DENY', basis: 'counted' });
    expect(found?.evidence.find(({ channel }) => channel === 'counter')?.shows).toContain('22:40:00Z and ');
  });

  it('without one before it, nothing is said of what was counted', () => {
    const rulesets = { 30: rules(1), 60: rules(1) };
    const found = only({ nodes: { n1: { conntrack }, n2: { complete, rulesets } } });
    expect(found).toMatchObject({ cause: 'POLICY_DEFAULT_DENY', basis: 'derived' });
    expect(found?.missing.join()).toContain('counters of node n2');
  });

  it('a packet long after it was not counted by it', () => {
    const rulesets = { 0: rules(0), 30: rules(1), 60: rules(1) };
    const later = { n1: { conntrack: unanswered({}, 40) }, n2: { complete, rulesets } };
    expect(only({ nodes: later })).toMatchObject({ cause: 'UNDECIDED' });
    expect(codes({ nodes: later })).toEqual(['INTENT_DENIES_NOTHING_COUNTED']);
  });

  it('like attempts at either side of it are told apart', () => {
    const rulesets = { 0: rules(0), 30: rules(1), 60: rules(1) };
    const both = unanswered({ sport: 40_001 }, 30.4) + unanswered({ sport: 40_002 }, 45);
    const drops = answersOf({
      code: 'UNDECIDED',
      story: '',
      finds: '',
      nodes: { n1: { conntrack: both }, n2: { complete, rulesets } },
    });
    expect(drops.map(({ explanation }) => explanation.basis)).toEqual(['counted', 'unknown']);
  });
});

it('a ruleset that was saved without its counters does not say that nothing was counted', () => {
  const bare = rules(0).replaceAll(/^\[0:0\] /gm, '');
  const rulesets = { 0: bare, 60: bare };
  const found = only({ nodes: { n1: { conntrack: unanswered({}, 20) }, n2: { complete, rulesets } } });
  expect(found).toMatchObject({ cause: 'POLICY_DEFAULT_DENY', basis: 'derived' });
});

describe('rules of another backend that were not read', () => {
  const WARNING = '# Warning: iptables-legacy tables present, use iptables-legacy-save to see them\n';

  it('may have counted what these did not', () => {
    const rulesets = { 0: rules(0) + WARNING, 60: rules(0) + WARNING };
    const found = only({ nodes: { n1: { conntrack: unanswered() }, n2: { complete, rulesets } } });
    expect(found).toMatchObject({ cause: 'POLICY_DEFAULT_DENY', basis: 'derived' });
  });

  it('may have stopped what policies allow', () => {
    const rulesets = { 0: save(['-A FORWARD -j ACCEPT']) + WARNING, 60: save(['-A FORWARD -j ACCEPT']) + WARNING };
    const found = only({ nodes: { n1: { conntrack: unanswered({ to: FREE }) }, n2: { complete, rulesets } } });
    expect(found).toMatchObject({ cause: 'UNDECIDED' });
    expect(found?.missing.join()).toContain('counters of node n2');
  });
});

describe('an address of the pod network', () => {
  const nodes = { n1: { conntrack: unanswered({ to: '10.1.2.99' }) } };

  it('is not told to be gone when no pods are known at all', () => {
    expect(only({ nodes, objects: cluster(...NODES) })).toMatchObject({ cause: 'UNDECIDED', basis: 'unknown' });
  });

  it('that a pod shows a moment later was its own already: a status comes late', () => {
    const later: readonly ObjectAt[] = [{ seconds: 3, object: pod('fresh', 'n2', '10.1.2.99') }];
    const found = only({ nodes, later });
    expect(found).toMatchObject({ cause: 'UNDECIDED' });
    expect(found?.missing.join()).toContain('shop/fresh');
  });

  it('that a pod gets much later was gone', () => {
    const later: readonly ObjectAt[] = [{ seconds: 90, object: pod('fresh', 'n2', '10.1.2.99') }];
    expect(only({ nodes, later })).toMatchObject({ cause: 'POD_GONE' });
  });

  it('is that of the pod which is not being deleted, where two have it', () => {
    const gone = ', deletionTimestamp: "2026-11-20T22:39:58Z", creationTimestamp: "2026-11-20T20:00:00Z"';
    const old = pod('aaa', 'n2', WEB, gone);
    const found = answersOf({
      code: 'UNDECIDED',
      story: '',
      finds: '',
      nodes: { n1: { conntrack: unanswered() } },
      objects: cluster(...NODES, old, ...PODS, ...SERVICES, policy(FROM_CLIENT1)),
    });
    expect(found[0]?.destination.pod?.name).toBe('web');
  });

  it('is that of the younger pod, where two have it and neither is being deleted', () => {
    const created = (at: string) => `, creationTimestamp: "2026-11-20T${at}Z"`;
    const [old, young] = [
      pod('aaa', 'n2', '10.1.2.50', created('20:00:00')),
      pod('bbb', 'n2', '10.1.2.50', created('22:00:00')),
    ];
    const [found] = answersOf({
      code: 'UNDECIDED',
      story: '',
      finds: '',
      nodes: { n1: { conntrack: unanswered({ to: '10.1.2.50' }) } },
      objects: cluster(...NODES, old, young, ...PODS),
    });
    expect(found?.destination.pod?.name).toBe('bbb');
  });
});

describe('a node that still does what was written before', () => {
  const counts = { packets: ['packets=1 bytes=60', 'packets=1 bytes=40'] } as const;
  const reset = unanswered({}, 31) + ct(31.1, 'DESTROY', 'CLOSE', 'UNREPLIED', counts);
  const nodes = { n1: { conntrack: reset, complete }, n2: { ...QUIET, conntrack: reset } };
  const without = cluster(...NODES, ...PODS, ...SERVICES);

  it('lets through what a policy of a second ago denies: that is no difference', () => {
    const later: readonly ObjectAt[] = [{ seconds: 30, object: policy(FROM_CLIENT1) }];
    expect(codes({ nodes, objects: without, later })).toEqual([]);
  });

  it('lets through what was denied long before', () => {
    expect(codes({ nodes, objects: CLUSTER })).toContain('INTENT_DENIES_NODE_PASSES');
  });
});

/** A line of NFLOG by the end of web's policies, of which no ruleset tells the rule. */
function denied(seconds: number): string {
  const [whole, micros] = at(seconds).split('.').map(Number);
  return nflogLine({ seconds: whole ?? 0, micros: micros ?? 0, port: 40_001, sequence: 7 });
}

describe('a log line of which the rule is not known', () => {
  const told = (confirmed: number) =>
    answersOf({
      code: 'UNDECIDED',
      story: '',
      finds: '',
      nodes: {
        n2: {
          nflog: denied(1),
          conntrack:
            ct(confirmed, 'NEW', 'SYN_SENT', 'UNREPLIED') + ct(confirmed + 0.01, 'UPDATE', 'ESTABLISHED', 'ASSURED'),
        },
      },
    }).map(({ explanation }) => explanation.cause);

  it('was no drop when its node confirmed the connection right after', () => {
    expect(told(1.3)).toEqual([]);
  });

  it('was one when a later try got through', () => {
    expect(told(4)).toEqual(['POLICY_DEFAULT_DENY']);
  });
});

const causes = (nodes: Scene['nodes']) =>
  answersOf({ code: 'UNDECIDED', story: '', finds: '', nodes }).map(({ explanation }) => explanation.cause);

it('a reset that was never answered leaves nothing that could have expired', () => {
  const bare = ct(9, 'DESTROY', '', 'UNREPLIED').replace('tcp      6  src', 'tcp      6 src');
  expect(causes({ n2: { ...calicoDrop('web', { flags: 'ACK RST' }, 10), conntrack: bare } })).toEqual([
    'LATE_AFTER_CLOSE',
  ]);
});

it('a full table of a minute ago has had no part in it', () => {
  const kernelLog = `${at(-59)} n2 kernel: nf_conntrack: nf_conntrack: table full, dropping packet\n`;
  expect(causes({ n1: { conntrack: unanswered({ to: FREE }) }, n2: { ...QUIET, kernelLog } })).toEqual([
    'CLOUD_SG_NACL',
  ]);
});

describe('packets that a counter tells of', () => {
  const packets = (nodes: Scene['nodes']) =>
    answersOf({ code: 'UNDECIDED', story: '', finds: '', nodes }).map((drop) => drop.packets);
  const both = (first: number, second: number, to?: string) => {
    const entry = to === undefined ? {} : { to };
    return unanswered({ ...entry, sport: 40_001 }, first) + unanswered({ ...entry, sport: 40_002 }, second);
  };

  it('are all those of the one attempt in its window', () => {
    const rulesets = { 0: rules(0), 60: rules(3), 120: rules(6) };
    expect(packets({ n1: { conntrack: both(20, 80) }, n2: { complete, rulesets } })).toEqual([3, 3]);
  });

  it('are nobody’s in particular where two attempts share a window', () => {
    const rulesets = { 0: rules(0), 60: rules(5) };
    expect(packets({ n1: { conntrack: both(20, 40) }, n2: { complete, rulesets } })).toEqual([1, 1]);
  });

  it('may be those of other workloads where all of the node share the rule', () => {
    const shared = [`-A FORWARD -d ${FREE}/32 -j DROP`];
    const rulesets = { 0: save(shared, 0), 60: save(shared, 5) };
    expect(packets({ n1: { conntrack: unanswered({ to: FREE }, 20) }, n2: { complete, rulesets } })).toEqual([1]);
  });
});

it('a counter that stands at zero after it was set back counted nothing that is known', () => {
  const found = only({
    nodes: { n1: { conntrack: unanswered({}, 20) }, n2: { complete, rulesets: { 0: rules(5), 60: rules(0) } } },
  });
  expect(found).toMatchObject({ cause: 'POLICY_DEFAULT_DENY', basis: 'derived' });
  expect(found?.missing.join()).toContain('counters of node n2');
});

it('a pod of the same name in another namespace has counters of its own', () => {
  const other = `cali${createHash('sha1').update('else.web').digest('hex').slice(0, 11)}`;
  const namesake = pod('web', 'n2', '10.1.2.60')
    .replace('namespace: shop', 'namespace: else')
    .replace('u-web', 'u-else');
  const way = (name: string, set: string) => [
    `-A FORWARD -m set --match-set ${set} dst -j cali-tw-${name}`,
    `-A cali-tw-${name} -m comment --comment "Drop if no profiles matched" -j DROP`,
  ];
  const saved = (packets: number) => {
    const text = save([...way(calico('web'), 'a'), ...way(other, 'b')]);
    return text.replace(`[0:0] -A cali-tw-${other}`, `[${packets}:${packets * 60}] -A cali-tw-${other}`);
  };
  const found = only({
    nodes: { n1: { conntrack: unanswered({}, 20) }, n2: { complete, rulesets: { 0: saved(0), 60: saved(4) } } },
    objects: cluster(CLUSTER, namesake, 'apiVersion: v1\nkind: Namespace\nmetadata: { name: else }\n'),
  });
  expect(found?.basis).not.toBe('counted');
});

it('of two pods of a node, the one that sent the packet is the one whose egress rules logged it', () => {
  const way = (name: string) => [
    `-A FORWARD -i ${calico(name)} -j cali-fw-${calico(name)}`,
    `-A cali-fw-${calico(name)} -m set --match-set s dst -j NFLOG --nflog-prefix "DPE|default" --nflog-group 2`,
    `-A cali-fw-${calico(name)} -m set --match-set s dst -j DROP`,
  ];
  const both = save([...way('other'), ...way('free')]);
  const line = denied(1)
    .replace('DPI|', 'DPE|')
    .replace(/oob.in=[^,]*/, `oob.in=${calico('free')}`)
    .replace(/oob.out=[^,]*/, `oob.out=${calico('other')}`)
    .replace('10.1.1.7', FREE)
    .replace('10.1.2.9', '10.1.2.7');
  const found = only({ nodes: { n2: { nflog: line, rulesets: { 0: both, 60: both } } } });
  expect(found?.chainRule?.chain).toBe(`cali-fw-${calico('free')}`);
});

it('a request that a rule counted stays told beside the answer to another try of it', () => {
  const answer = { from: WEB, to: '10.1.1.7', sport: 8080, dport: 40_001, flags: 'ACK SYN' };
  const drops = answersOf({
    code: 'UNDECIDED',
    story: '',
    finds: '',
    nodes: {
      n1: { ...calicoDrop('client', answer, 3), conntrack: unanswered({}, 2.5) },
      n2: { complete, rulesets: { 0: rules(0), 60: rules(1) } },
    },
  });
  expect(drops.map(({ explanation }) => explanation.basis).toSorted()).toEqual(['counted', 'observed']);
});
