import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCheck } from './index.js';

let folder = '';
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'check-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Side {
  readonly verdict: string;
  readonly decidedBy: readonly object[];
  readonly isolatedBy: readonly object[];
}
interface Answer {
  readonly id: unknown;
  readonly verdict: string;
  readonly direction: string | null;
  readonly egress: Side;
  readonly ingress: Side;
  readonly reason: string;
  readonly findings?: readonly { readonly code: string }[];
  readonly pending?: { readonly verdict: string };
}

interface Outcome {
  readonly code: number;
  readonly answers: readonly Answer[];
  readonly stderr: string;
}

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, 'm', name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

async function check(
  files: Readonly<Record<string, string>>,
  queries: string,
  ...more: readonly string[]
): Promise<Outcome> {
  mkdirSync(path.join(folder, 'm'), { recursive: true });
  write(files);
  const file = path.join(folder, 'queries.jsonl');
  writeFileSync(file, queries);
  let stdout = '';
  let stderr = '';
  const io = { stdout: (text: string) => void (stdout += text), stderr: (text: string) => void (stderr += text) };
  const code = await runCheck(['--manifests', path.join(folder, 'm'), '--queries', file, ...more], io);
  const answers = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Answer);
  return { code, answers, stderr: stderr.replaceAll(folder, '') };
}

/** `a -> b:80/TCP` in namespace x, unless it is written with its own; `svc:`, `ip` as they are. */
function query(text: string, more: object = {}): string {
  const [from = '', target = ''] = text.split(' -> ');
  const [, to = '', port, protocol = 'TCP'] = /^(.*?)(?::(\d+))?(?:\/(\w+))?$/.exec(target) ?? [];
  const end = (name: string): object => {
    if (/^[\d.]+$/.test(name)) return { ip: name };
    if (name.startsWith('svc=')) return { service: name.slice(4) };
    return { pod: name.includes('/') ? name : `x/${name}` };
  };
  return `${JSON.stringify({ id: text, from: end(from), to: end(to), protocol, ...(port ? { port: Number(port) } : {}), ...more })}\n`;
}

function pod(name: string, extra = ''): string {
  return `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: x, labels: {app: ${name}}}\n${extra}`;
}

function policy(spec: string, name = 'p'): string {
  return `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: ${name}, namespace: x}\nspec: ${spec}\n`;
}

const TWO = `${pod('a')}\n---\n${pod('b')}`;
const DENY = policy('{podSelector: {}}');

describe('what is printed', () => {
  it('is one answer per query, in their order, with exactly the fields of the format', async () => {
    const { answers, code } = await check(
      { 'a.yaml': TWO, 'p.yaml': DENY },
      query('a -> b:80') + query('b -> 8.8.8.8:53/UDP'),
    );
    expect(code).toBe(0);
    expect(answers).toEqual([
      {
        id: 'a -> b:80',
        verdict: 'denied',
        direction: 'ingress',
        egress: { verdict: 'allowed', decidedBy: [], isolatedBy: [] },
        ingress: {
          verdict: 'denied',
          decidedBy: [],
          isolatedBy: [{ kind: 'NetworkPolicy', namespace: 'x', name: 'p' }],
        },
        reason: 'a -> b:80/TCP is denied on ingress at b: policy x/p isolates it; it has no ingress rule',
      },
      {
        id: 'b -> 8.8.8.8:53/UDP',
        verdict: 'allowed',
        direction: null,
        egress: { verdict: 'allowed', decidedBy: [], isolatedBy: [] },
        ingress: { verdict: 'allowed', decidedBy: [], isolatedBy: [] },
        reason: 'b -> 8.8.8.8:53/UDP is allowed: no policy isolates either end',
      },
    ]);
  });

  it('names the rule by its index, and a global policy with namespace null', async () => {
    const anp = `apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: fence, namespace: ignored}
spec: {priority: 1, subject: {namespaces: {}}, ingress: [{action: Allow, from: [{namespaces: {matchLabels: {no: one}}}]}, {action: Deny, from: [{namespaces: {}}]}]}`;
    const { answers } = await check({ 'a.yaml': TWO, 'p.yaml': anp }, query('a -> b:80'));
    expect(answers[0]?.ingress).toEqual({
      verdict: 'denied',
      decidedBy: [{ kind: 'AdminNetworkPolicy', namespace: null, name: 'fence', rule: 1 }],
      isolatedBy: [],
    });
  });

  it('prints kinds as manifests write them', async () => {
    const calico =
      'apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: c, namespace: x}\nspec: {types: [Ingress], ingress: [{action: Deny}]}';
    const { answers } = await check({ 'a.yaml': TWO, 'p.yaml': calico }, query('a -> b:80'));
    expect(answers[0]?.ingress.decidedBy).toEqual([{ kind: 'NetworkPolicy', namespace: 'x', name: 'c', rule: 0 }]);
  });

  it('keeps ids as they were given, and numbers lines that have none', async () => {
    const { answers } = await check(
      { 'a.yaml': TWO },
      '{"id":7,"from":{"pod":"x/a"},"to":{"pod":"x/b"},"protocol":"TCP","port":80}\n\n{"from":{"pod":"x/a"},"to":{"pod":"x/b"},"port":80}\n',
    );
    expect(answers.map(({ id }) => id)).toEqual([7, '3']);
  });

  it('tells what is pending beside what is enforced', async () => {
    const staged =
      'apiVersion: projectcalico.org/v3\nkind: StagedNetworkPolicy\nmetadata: {name: c, namespace: x}\nspec: {types: [Ingress], ingress: [{action: Deny}]}';
    const { answers } = await check({ 'a.yaml': TWO, 'p.yaml': staged }, query('a -> b:80'));
    expect([answers[0]?.verdict, answers[0]?.pending?.verdict]).toEqual(['allowed', 'denied']);
  });
});

describe('expectations', () => {
  it('are met: 0', async () => {
    const { code, stderr } = await check({ 'a.yaml': TWO, 'p.yaml': DENY }, query('a -> b:80', { expect: 'denied' }));
    expect([code, stderr]).toEqual([0, '1 of 1 expectations met\n']);
  });

  it('are not met: 1, and said which', async () => {
    const { code, stderr } = await check(
      { 'a.yaml': TWO, 'p.yaml': DENY },
      query('a -> b:80', { expect: 'denied' }) + query('b -> a:80', { expect: 'allowed' }),
    );
    expect(code).toBe(1);
    expect(stderr).toContain(
      '/queries.jsonl:2: query b -> a:80 is denied, expected allowed: b -> a:80/TCP is denied on ingress at a',
    );
    expect(stderr).toContain('1 of 2 expectations met');
  });

  it('are not met by an unknown answer', async () => {
    expect((await check({ 'a.yaml': TWO }, query('a -> nobody:80', { expect: 'denied' }))).code).toBe(1);
  });
});

describe('input that cannot be used', () => {
  it.each([
    ['a query that is no JSON', 'nonsense\n', ':1: the line is no JSON'],
    [
      'a query with an address that is none',
      '{"id":"1","from":{"ip":"10.0.0"},"to":{"pod":"x/a"}}\n',
      "'from' has no address",
    ],
    ['a query without from', '{"id":"1","to":{"pod":"x/a"}}\n', ":1: 'from' is"],
    [
      'a query with an unknown protocol',
      query('a -> b:80', { protocol: 'QUIC' }),
      "'protocol' is TCP, UDP, SCTP or ICMP",
    ],
    ['a query with a port that is none', query('a -> b:80', { port: 'x' }), "'port' is a number"],
    [
      'a query with an expectation that is none',
      query('a -> b:80', { expect: 'maybe' }),
      "'expect' is allowed or denied",
    ],
  ])('%s: 2, the other queries are answered', async (_name, bad, message) => {
    const { code, answers, stderr } = await check({ 'a.yaml': TWO }, bad + query('a -> b:80'));
    expect(code).toBe(2);
    expect(answers).toHaveLength(1);
    expect(stderr).toContain(message);
  });

  it.each([
    ['YAML that is none', `${pod('c')}\n---\nmetadata: {name: [\n`, 'bad.yaml: document 2, line 7: '],
    ['a document of text', 'only words\n', 'bad.yaml: document 1, line 1: the document is no mapping'],
    [
      'a network that is none',
      policy('{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0/8}}]}]}', 'q'),
      'NetworkPolicy x/q: spec.ingress[0].from[0].ipBlock.cidr: not a network: "10.0.0/8"',
    ],
    [
      'an operator that is none',
      policy('{podSelector: {matchExpressions: [{key: a, operator: Is}]}}', 'q'),
      'spec.podSelector.matchExpressions[0]: the operator is one of',
    ],
    [
      'an empty peer',
      policy('{podSelector: {}, ingress: [{from: [{}]}]}', 'q'),
      'spec.ingress[0].from[0]: a peer needs',
    ],
    [
      'a list that is a mapping',
      policy('{podSelector: {}, ingress: {from: []}}', 'q'),
      'spec.ingress: a list is expected, found a mapping',
    ],
    [
      'a Calico selector that is none',
      'apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: q}\nspec:\n  selector: a = b\n',
      'bad.yaml: document 1, line 5: GlobalNetworkPolicy q: spec.selector: not a selector',
    ],
    [
      'a Calico action that is none',
      'apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: q}\nspec: {ingress: [{action: Maybe}]}\n',
      'spec.ingress[0].action: not an action: "Maybe"',
    ],
  ])('%s: 2, with file, document, line and reason', async (_name, text, message) => {
    const { code, answers, stderr } = await check({ 'a.yaml': TWO, 'bad.yaml': text }, query('a -> b:80'));
    expect([code, answers.length]).toEqual([2, 0]);
    expect(stderr).toContain(message);
  });

  it('is skipped and listed with --skip-invalid; the rest of the file counts', async () => {
    const text = `${DENY}---\na: [\n`;
    const { code, answers, stderr } = await check(
      { 'a.yaml': TWO, 'bad.yaml': text },
      query('a -> b:80'),
      '--skip-invalid',
    );
    expect([code, answers[0]?.verdict]).toEqual([0, 'denied']);
    expect(stderr).toContain('skipped: bad.yaml: document 2, line');
  });

  it.each([
    ['no manifests', ['--queries', 'q']],
    ['no queries', ['--manifests', 'm']],
    ['an unknown option', ['--manifests', 'm', '--queries', 'q', '--what']],
    ['a folder that is not there', ['--manifests', '/nowhere/at/all', '--queries', 'q']],
  ])('%s is a usage error', async (_name, args) => {
    await expect(runCheck(args, { stdout: () => undefined, stderr: () => undefined })).rejects.toThrow();
  });
});

describe('manifests as people have them', () => {
  const denied = async (files: Readonly<Record<string, string>>, text = 'a -> b:80'): Promise<string | undefined> =>
    (await check(files, query(text))).answers[0]?.verdict;

  it.each<[string, Record<string, string>]>([
    ['in folders of any depth', { 'one/two/a.yml': TWO, 'three/p.yaml': DENY }],
    [
      'in JSON',
      {
        'a.json': JSON.stringify([
          { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'x' } },
          { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'b', namespace: 'x' } },
        ]),
        'p.yaml': DENY,
      },
    ],
    [
      'in JSON with several lines of it',
      {
        'a.json':
          '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"x"}}\n{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b","namespace":"x"}}\n',
        'p.yaml': DENY,
      },
    ],
    [
      'in a List',
      {
        'a.yaml': `apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a, namespace: x}\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: b, namespace: x}`,
        'p.yaml': DENY,
      },
    ],
    [
      'in typed lists whose items lack their kind',
      {
        'a.yaml': `apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: a, namespace: x}\n- metadata: {name: b, namespace: x}`,
        'p.yaml':
          'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicyList\nitems:\n- metadata: {name: p, namespace: x}\n  spec: {podSelector: {}}',
      },
    ],
    [
      'without apiVersion, where the kind leaves no doubt',
      {
        'a.yaml': 'kind: PodList\nitems:\n- metadata: {name: a, namespace: x}\n- metadata: {name: b, namespace: x}',
        'p.yaml': 'kind: NetworkPolicy\nmetadata: {name: p, namespace: x}\nspec: {podSelector: {}}',
      },
    ],
    [
      'in lists of lists',
      {
        'a.yaml': `apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: PodList\n  items:\n  - metadata: {name: a, namespace: x}\n  - metadata: {name: b, namespace: x}`,
        'p.yaml': DENY,
      },
    ],
    [
      'with Windows line ends and a byte order mark',
      { 'a.yaml': `\uFEFF${TWO.replaceAll('\n', '\r\n')}`, 'p.yaml': DENY },
    ],
    [
      'with comments and empty documents',
      { 'a.yaml': `# pods\n---\n---\n${TWO}\n---\n# nothing more\n`, 'p.yaml': DENY },
    ],
    [
      'beside kinds that are not known',
      {
        'a.yaml': TWO,
        'p.yaml': `${DENY}---\napiVersion: example.com/v9\nkind: Gadget\nmetadata: {name: g}\nspec: [1, 2]`,
      },
    ],
    ['beside values files', { 'a.yaml': TWO, 'p.yaml': DENY, 'values.yaml': 'replicas: 3\nimage: {tag: latest}\n' }],
    [
      'with anchors and merges',
      {
        'a.yaml': TWO,
        'p.yaml':
          'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: &meta {namespace: x}\nspec: {podSelector: {}}\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {<<: {namespace: x}, name: q}\nspec: {podSelector: {}}',
      },
    ],
    [
      'with a key written twice: the last counts',
      {
        'a.yaml': TWO,
        'p.yaml': policy('{podSelector: {matchLabels: {app: a}}, podSelector: {matchLabels: {app: b}}}'),
      },
    ],
    [
      'with metadata that is null in what does not matter',
      { 'a.yaml': `${TWO}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: null`, 'p.yaml': DENY },
    ],
    [
      'with labels that are numbers',
      {
        'a.yaml': `${pod('a')}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: b, namespace: x, labels: {version: 1}}`,
        'p.yaml': policy('{podSelector: {matchLabels: {version: "1"}}}'),
      },
    ],
    [
      'with a policy declared twice: the last file counts',
      { 'a.yaml': TWO, 'p1.yaml': policy('{podSelector: {}, ingress: [{}]}'), 'p2.yaml': DENY },
    ],
  ])('%s', async (_name, files) => {
    expect(await denied(files)).toBe('denied');
  });

  it('has the namespace default where none is written', async () => {
    const files = {
      'a.yaml':
        'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {}}',
    };
    const { answers } = await check(files, query('8.8.8.8 -> default/a:80'));
    expect(answers[0]?.ingress.isolatedBy).toEqual([{ kind: 'NetworkPolicy', namespace: 'default', name: 'p' }]);
  });

  it('knows an undeclared namespace by its name label', async () => {
    const allow = policy(
      '{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}]}]}',
    );
    const y = 'apiVersion: v1\nkind: Pod\nmetadata: {name: c, namespace: y}';
    expect(await denied({ 'a.yaml': `${TWO}\n---\n${y}`, 'p.yaml': allow }, 'y/c -> b:80')).toBe('allowed');
  });

  it('reports what it passes over with -v', async () => {
    const { stderr } = await check(
      { 'a.yaml': `${TWO}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}`, 'v.yaml': 'a: 1' },
      query('a -> b:80'),
      '-v',
    );
    expect(stderr).toContain('passed over: 1 x v1 ConfigMap');
    expect(stderr).toContain('v.yaml: document 1 has no kind and is passed over');
  });

  const template =
    '{metadata: {labels: {app: w}}, spec: {containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}}';
  it.each([
    ['Deployment', 'apps/v1', `{template: ${template}}`],
    ['Deployment', 'extensions/v1beta1', `{template: ${template}}`],
    ['StatefulSet', 'apps/v1', `{template: ${template}}`],
    ['DaemonSet', 'apps/v1', `{template: ${template}}`],
    ['ReplicaSet', 'apps/v1', `{template: ${template}}`],
    ['ReplicationController', 'v1', `{template: ${template}}`],
    ['Job', 'batch/v1', `{template: ${template}}`],
    ['CronJob', 'batch/v1', `{jobTemplate: {spec: {template: ${template}}}}`],
    ['CronJob', 'batch/v1beta1', `{jobTemplate: {spec: {template: ${template}}}}`],
  ])('asks a %s of %s for one pod of its template', async (kind, apiVersion, spec) => {
    const workload = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: w, namespace: x}\nspec: ${spec}`;
    const allow = policy('{podSelector: {matchLabels: {app: w}}, ingress: [{ports: [{port: http}]}]}');
    const { answers } = await check(
      { 'a.yaml': TWO, 'w.yaml': workload, 'p.yaml': allow },
      query('a -> w:8080') + query('a -> w:80'),
    );
    expect(answers.map(({ verdict }) => verdict)).toEqual(['allowed', 'denied']);
  });

  it('asks a pod by its own name even when a workload has the same', async () => {
    const workload = `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: b, namespace: x}\nspec: {template: ${template}}`;
    expect(
      await denied({ 'a.yaml': TWO, 'w.yaml': workload, 'p.yaml': policy('{podSelector: {matchLabels: {app: b}}}') }),
    ).toBe('denied');
  });

  it('does not decide about a pod that nothing declares', async () => {
    const { answers, code } = await check({ 'a.yaml': TWO, 'p.yaml': DENY }, query('a -> nobody:80'));
    expect([code, answers[0]?.verdict, answers[0]?.reason]).toEqual([
      0,
      'unknown',
      'it cannot be decided: no manifest declares a pod or workload x/nobody',
    ]);
  });

  it('evaluates the state at a time', async () => {
    const late = DENY.replace('namespace: x}', 'namespace: x, creationTimestamp: 2026-11-21T12:00:00Z}');
    const files = { 'a.yaml': TWO, 'p.yaml': late };
    const at = async (time: string): Promise<unknown> =>
      (await check(files, query('a -> b:80'), '--at', time)).answers[0]?.verdict;
    expect([await at('2026-11-21T11:59:59Z'), await at('2026-11-21T12:00:00Z')]).toEqual(['allowed', 'denied']);
  });

  it('reads addresses and nodes', async () => {
    const files = {
      'a.yaml': `${pod('a', 'spec: {nodeName: n1}\nstatus: {podIP: 10.0.0.1}')}\n---\n${pod('b', 'spec: {nodeName: n2}\nstatus: {podIPs: [{ip: 10.0.0.2}, {ip: "fd00::2"}]}')}`,
      'n.yaml':
        'apiVersion: v1\nkind: Node\nmetadata: {name: n2}\nstatus: {addresses: [{type: InternalIP, address: 192.168.0.2}]}',
      'p.yaml': policy('{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: a}}}]}]}'),
    };
    const { answers } = await check(
      files,
      query('10.0.0.1 -> 10.0.0.2:80') + query('192.168.0.2 -> b:80') + query('192.168.0.3 -> b:80'),
    );
    expect(answers.map(({ verdict }) => verdict)).toEqual(['allowed', 'allowed', 'denied']);
  });

  it('leaves open what hangs on an address that is not known', async () => {
    const block = policy('{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}');
    const { answers } = await check({ 'a.yaml': TWO, 'p.yaml': block }, query('a -> b:80'));
    expect([answers[0]?.verdict, answers[0]?.direction, answers[0]?.ingress.isolatedBy]).toEqual([
      'unknown',
      null,
      [{ kind: 'NetworkPolicy', namespace: 'x', name: 'p' }],
    ]);
  });
});

describe('services', () => {
  const svc = (spec: string, name = 's'): string =>
    `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}, namespace: x}\nspec: ${spec}\n`;
  const web = pod('b', 'spec: {containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}');
  const only8080 = policy('{podSelector: {matchLabels: {app: b}}, ingress: [{ports: [{port: 8080}]}]}');
  const only80 = policy('{podSelector: {matchLabels: {app: b}}, ingress: [{ports: [{port: 80}]}]}');
  const verdicts = async (files: Readonly<Record<string, string>>, ...texts: string[]): Promise<readonly string[]> =>
    (
      await check({ 'pods.yaml': `${pod('a')}\n---\n${web}`, ...files }, texts.map((text) => query(text)).join(''))
    ).answers.map(({ verdict }) => verdict);

  it.each([
    ['a number', '{selector: {app: b}, ports: [{port: 80, targetPort: 8080}]}'],
    ['a number in quotes', '{selector: {app: b}, ports: [{port: 80, targetPort: "8080"}]}'],
    ['a name', '{selector: {app: b}, ports: [{port: 80, targetPort: http}]}'],
  ])('lead to the target port, given as %s', async (_name, spec) => {
    expect(await verdicts({ 's.yaml': svc(spec), 'p.yaml': only8080 }, 'a -> svc=x/s:80')).toEqual(['allowed']);
  });

  it('explain a rule that names the service port', async () => {
    const { answers } = await check(
      {
        'pods.yaml': `${pod('a')}\n---\n${web}`,
        's.yaml': svc('{selector: {app: b}, ports: [{port: 80, targetPort: 8080}]}'),
        'p.yaml': only80,
      },
      query('a -> svc=x/s:80'),
    );
    expect([answers[0]?.verdict, answers[0]?.findings?.map(({ code }) => code)]).toEqual(['denied', ['DNAT_PORT']]);
  });

  it('lead to the same port where no target port is written', async () => {
    expect(
      await verdicts(
        { 's.yaml': svc('{selector: {app: b}, ports: [{port: 80}]}'), 'p.yaml': only80 },
        'a -> svc=x/s:80',
      ),
    ).toEqual(['allowed']);
  });

  it('are found by cluster address and by node port', async () => {
    const node =
      'apiVersion: v1\nkind: Node\nmetadata: {name: n}\nstatus: {addresses: [{type: InternalIP, address: 192.168.0.1}]}';
    const spec =
      '{type: NodePort, clusterIP: 10.96.0.9, selector: {app: b}, ports: [{port: 80, targetPort: 8080, nodePort: 30080}]}';
    expect(
      await verdicts(
        { 's.yaml': svc(spec), 'n.yaml': node, 'p.yaml': only8080 },
        'a -> 10.96.0.9:80',
        '8.8.8.8 -> 192.168.0.1:30080',
        'a -> svc=x/s:30080',
      ),
    ).toEqual(['allowed', 'allowed', 'allowed']);
  });

  it('follow their endpoints where those are given', async () => {
    const slice =
      'apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s-1, namespace: x, labels: {kubernetes.io/service-name: s}}\nports: [{name: "", port: 8080, protocol: TCP}]\nendpoints: [{addresses: [10.0.0.2], targetRef: {kind: Pod, name: b}}]';
    expect(
      await verdicts(
        { 's.yaml': svc('{ports: [{port: 80}]}'), 'e.yaml': slice, 'p.yaml': only8080 },
        'a -> svc=x/s:80',
      ),
    ).toEqual(['allowed']);
  });

  it('follow old Endpoints objects too, to addresses outside', async () => {
    const endpoints =
      'apiVersion: v1\nkind: Endpoints\nmetadata: {name: s, namespace: x}\nsubsets: [{addresses: [{ip: 203.0.113.5}], ports: [{port: 5432}]}]';
    const egress = policy(
      '{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24}}], ports: [{port: 5432}]}]}',
    );
    expect(
      await verdicts(
        { 's.yaml': svc('{ports: [{port: 80}]}'), 'e.yaml': endpoints, 'p.yaml': egress },
        'a -> svc=x/s:80',
      ),
    ).toEqual(['allowed']);
  });

  it('without a cluster address translate nothing', async () => {
    const spec = '{clusterIP: None, selector: {app: b}, ports: [{port: 80, targetPort: 8080}]}';
    expect(await verdicts({ 's.yaml': svc(spec), 'p.yaml': only8080 }, 'a -> svc=x/s:80', 'a -> svc=x/s:8080')).toEqual(
      ['denied', 'allowed'],
    );
  });

  it.each([
    ['no endpoints', '{selector: {app: nobody}, ports: [{port: 80}]}'],
    ['no such port', '{selector: {app: b}, ports: [{port: 81}]}'],
    ['no such protocol', '{selector: {app: b}, ports: [{port: 80, protocol: UDP}]}'],
    ['a name outside', '{type: ExternalName, externalName: example.com, ports: [{port: 80}]}'],
  ])('with %s are undecided', async (_name, spec) => {
    expect(await verdicts({ 's.yaml': svc(spec) }, 'a -> svc=x/s:80')).toEqual(['unknown']);
  });

  it('without endpoints are out of reach all the same for a pod that may reach nothing', async () => {
    const deny = policy('{podSelector: {}, policyTypes: [Egress]}');
    expect(
      await verdicts(
        { 's.yaml': svc('{selector: {app: nobody}, ports: [{port: 80}]}'), 'p.yaml': deny },
        'a -> svc=x/s:80',
      ),
    ).toEqual(['denied']);
  });

  it('that nothing declares are undecided', async () => {
    expect(await verdicts({}, 'a -> svc=x/ghost:80')).toEqual(['unknown']);
  });

  it('with many replicas are judged by all of them', async () => {
    const replica = (i: number): string =>
      `apiVersion: v1\nkind: Pod\nmetadata: {name: w${i}, namespace: x, labels: {tier: w}}\nstatus: {podIP: 10.0.1.${i}}`;
    const replicas = Array.from({ length: 9 }, (_, i) => replica(i)).join('\n---\n');
    const s = svc('{selector: {tier: w}, ports: [{port: 80}]}');
    const to = (cidr: string): string =>
      policy(`{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: ${cidr}}}]}]}`);
    expect(await verdicts({ 's.yaml': s, 'w.yaml': replicas, 'p.yaml': to('10.0.1.0/24') }, 'a -> svc=x/s:80')).toEqual(
      ['allowed'],
    );
    expect(await verdicts({ 'p.yaml': to('10.0.1.0/30') }, 'a -> svc=x/s:80')).toEqual(['unknown']);
  });

  it('whose endpoints differ are undecided, whose endpoints agree are not', async () => {
    const both = svc('{selector: {tier: w}, ports: [{port: 80}]}');
    const two = `apiVersion: v1\nkind: Pod\nmetadata: {name: w1, namespace: x, labels: {tier: w, app: w1}}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: w2, namespace: x, labels: {tier: w, app: w2}}`;
    const one = policy('{podSelector: {matchLabels: {app: w1}}}');
    const all = policy('{podSelector: {matchLabels: {tier: w}}}');
    expect(await verdicts({ 's.yaml': both, 'w.yaml': two, 'p.yaml': one }, 'a -> svc=x/s:80')).toEqual(['unknown']);
    expect(await verdicts({ 'p.yaml': all }, 'a -> svc=x/s:80')).toEqual(['denied']);
  });
});
