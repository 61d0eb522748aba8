import path from 'node:path';
import { runExplainOffline } from './index.js';

const SCENARIOS = path.resolve(import.meta.dirname, '../../../../test/scenarios');

async function explain(scenario: string, ...args: readonly string[]): Promise<{ code: number; stdout: string }> {
  let stdout = '';
  const io = { stdout: (text: string) => void (stdout += text), stderr: () => undefined };
  const code = await runExplainOffline(['--manifests', path.join(SCENARIOS, scenario, 'manifests'), ...args], io);
  return { code, stdout };
}

describe('explaining a connection from manifests', () => {
  it('tells the verdict, every rule that came close, and a fix', async () => {
    const { code, stdout } = await explain(
      'contrail-three-tier',
      '--from',
      'dev/client2-dev',
      '--to',
      'dev/webserver-dev',
      '--port',
      '80',
    );
    expect(code).toBe(1);
    expect(stdout)
      .toBe(`client2-dev -> webserver-dev:80/TCP is denied on ingress at webserver-dev: policy dev/policy1 isolates it; its closest rule, ingress[0].from[2], wants app=client1-dev, the client has app=client2-dev

Egress at the source
  allowed

Ingress at the destination
  denied
  isolated by policy dev/policy1
  rules that did not admit it, nearest first:
    policy dev/policy1, ingress[0].from[2]
        podSelector: wants app=client1-dev, has app=client2-dev

Fix
  one more peer for ingress[0] of policy dev/policy1 admits it; it would newly admit no other pair of known workloads
    # NetworkPolicy dev/policy1
    - op: add
      path: /spec/ingress/0/from/-
      value:
        podSelector:
          matchLabels:
            app: client2-dev
`);
  });

  it('says what admits, and answers 0', async () => {
    const { code, stdout } = await explain(
      'contrail-three-tier',
      '--from',
      'jtac/client-jtac',
      '--to',
      'dev/webserver-dev',
      '--port',
      '80',
    );
    expect(code).toBe(0);
    expect(stdout).toContain('allow: policy dev/policy1, ingress[0]');
  });

  it.each([
    [
      'a service by its name',
      'development/whoami-service',
      'development-client -> whoami:80/TCP (service development/whoami-service:80) is allowed',
    ],
    [
      'a service by its kind and name',
      'svc/development/whoami-service',
      '(service development/whoami-service:80) is allowed',
    ],
    ['a service by its address', '10.10.10.18', '(service development/whoami-service:80) is allowed'],
    ['a pod', 'development/whoami', 'development-client -> whoami:80/TCP is allowed'],
  ])('takes %s', async (_name, to, expected) => {
    const { stdout } = await explain(
      'aks-calico-order',
      '--from',
      'development/development-client',
      '--to',
      to,
      '--port',
      '80',
    );
    expect(stdout).toContain(expected);
  });

  it('names the mistake behind a denial', async () => {
    const { stdout } = await explain(
      'weave-sock-shop-service-port',
      '--from',
      'default/probe',
      '--to',
      'sock-shop/front-end',
      '--port',
      '8079',
    );
    expect(stdout).toContain('DNAT_PORT (spec.ingress[0].ports[0]): policy sock-shop/front-end-access names port 80');
  });

  it('prints one object with --json', async () => {
    const { stdout } = await explain(
      'contrail-three-tier',
      '--from',
      'dev/client2-dev',
      '--to',
      'dev/webserver-dev',
      '--port',
      '80',
      '--json',
    );
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'denied', direction: 'ingress', fix: [{ alsoAdmits: [] }] });
  });

  it.each([
    [
      'a pod that nothing declares',
      ['--from', 'dev/nobody', '--to', 'dev/webserver-dev', '--port', '80'],
      'no manifest declares a pod, workload or service dev/nobody',
    ],
    [
      'a port that is none',
      ['--from', 'dev/client1-dev', '--to', 'dev/webserver-dev', '--port', 'http'],
      '--port http is no port',
    ],
    [
      'a protocol that is none',
      ['--from', 'dev/client1-dev', '--to', 'dev/webserver-dev', '--protocol', 'X'],
      '--protocol X is none of',
    ],
    ['a missing end', ['--from', 'dev/client1-dev'], 'give --from'],
  ])('refuses %s', async (_name, args, message) => {
    await expect(explain('contrail-three-tier', ...args)).rejects.toThrow(message);
  });
});
