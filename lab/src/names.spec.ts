import { fnv } from './dialects/azure-npm.js';
import { base32Hash } from './dialects/base32.js';
import { oldEndpointRules } from './dialects/calico-old.js';
import { canonicalSelector, matchesSelector, parseSelector } from './dialects/calico-selector.js';
import { felixLines, limited, selectorSet, workloadInterface } from './dialects/felix.js';
import { weaveSet } from './dialects/weave-npc.js';
import { calicoWebDenyAll } from './stories/calico-web-deny-all.js';

const canonical = (text: string): string => canonicalSelector(parseSelector(text));

describe('names on a node, as published listings and the plugins’ own tests have them', () => {
  it.each([
    ['cali-pi-', 'demo/knp.default.demo-policy', 'cali-pi-_f33B8osgBB9KBtqM0k-'],
    ['cali-pi-', 'default/calico-system/knp.default.whisker', 'cali-pi-_YYnSgB46MA1TYU44kJq'],
    ['cali-pi-', 'default/default.foo', 'cali-pi-default/default.foo'],
    ['cali-pro-', 'ksa.default.summary', 'cali-pro-ksa.default.summary'],
    ['cali-pro-', 'ksa.default.database', 'cali-pro-_Y89UBaIa4_PftWThMl'],
  ])('Calico: %s of %s is %s', (prefix, suffix, chain) => {
    expect(limited(prefix, suffix)).toBe(chain);
  });

  it('Calico: a pod’s interface is a hash of namespace and name', () => {
    const pod = { namespace: 'default', name: 'podA', node: 'n', ip: '10.0.0.1', labels: {}, ports: [] };
    expect(workloadInterface(pod)).toBe('cali7f94ce7c295');
    expect(workloadInterface({ ...pod, namespace: 'demo', name: 'server' }, 'azv')).toBe('azve0cf0fbcf9f');
  });

  it('Calico: the rule hashes of the web-deny-all listing', () => {
    const [web] = calicoWebDenyAll.pods;
    if (!web) throw new Error('the story has a pod');
    const lines = felixLines('cali-tw-cali1f79f9e08f2', oldEndpointRules(web, 'ingress', calicoWebDenyAll));
    const hashes = lines.map((line) => /cali:(\S{16})/.exec(line)?.[1]);
    expect(hashes).toEqual(expect.arrayContaining(['fthBuDq5I1oklYOL', 'Kp-Liqb4hWavW9dD', 'Qe6UBTrru3RfK2MB']));
  });

  it.each([
    [
      "(projectcalico.org/namespace == 'demo') && (projectcalico.org/orchestrator == 'k8s' && app == 'client')",
      'cali40s:N7qB4dD1ts0--qbzE-HjtMk',
    ],
    [
      "(pcns.projectcalico.org/name == 'kube-system') && (projectcalico.org/orchestrator == 'k8s')",
      'cali40s:apoclvpFJ-imkdC0qkF1tT1',
    ],
    ['', 'cali40s:5y5I3VdRZfDU01O--xXAPx2'],
  ])('Calico: the set of %s', (selector, name) => {
    expect(selectorSet(canonical(selector))).toBe(name);
  });

  it.each([
    ['! (has( b)|| ! has(a ))', '!(has(b) || !has(a))'],
    ['! (a == "b"&& ! c != "d")', '!(a == "b" && !c != "d")'],
    ["a in {'z', 'x', 'y', 'x', 'a'}", 'a in {"a", "x", "y", "z"}'],
    [
      "!(!(k == 'v' && has(t) || all()) && (a in {'b', 'c'}))",
      '!(!((k == "v" && has(t)) || all()) && a in {"b", "c"})',
    ],
  ])('Calico: the canonical form of %s', (text, form) => {
    expect(canonical(text)).toBe(form);
  });

  it.each([
    ["a != 'a'", {}, true],
    ["a not in {'c'}", {}, true],
    ["a == 'b'", {}, false],
    ['!!! has(a)', { a: 'b' }, false],
    ['!(!has(a) || has(b))', { a: 'a' }, true],
  ])('Calico: %s over %j', (text, labels, matches) => {
    expect(matchesSelector(parseSelector(text), labels)).toBe(matches);
  });

  it.each([
    ['ingress-default-allow:default', 'weave-;rGqyMIl1HN^cfDki~Z$3]6!N'],
    ['default:run=bar', 'weave-bZ~x=yBgzH)Ht()K*Uv3z{M]Y'],
    ['prod:', 'weave-z~y01unAQHA]WxHG!ALB)5]}s'],
    [':team=arole=web', 'weave-IPO9{Q(^T+tUPz$4.*~ji*JSn'],
  ])('Weave: the set of %s', (key, name) => {
    expect(weaveSet(key)).toBe(name);
  });

  it.each([
    ['y/base', '2697641196'],
    ['ns-y', '2837910840'],
    ['namedport:serve-80', '3050895063'],
  ])('Azure: %s', (text, hash) => {
    expect(fnv(text)).toBe(hash);
  });

  it.each([
    ['nsAsimple-egress1IPv4', 'C23KD7UE4TAT3Y5M'],
    ['prodallow-webIPv4', 'IIIDVHOYRJVYWICD'],
    ['prodallow-webingressrule0IPv4pod', 'LUSPDTUZNPMIBBWM'],
  ])('kube-router: %s', (text, hash) => {
    expect(base32Hash(text)).toBe(hash);
  });
});
