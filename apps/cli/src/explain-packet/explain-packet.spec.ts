import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runExplainPacket } from './index.js';
import { parsePacket } from './packet.js';

const DATA = new URL('../../../../libs/ruleset/testdata/', import.meta.url).pathname;
const KUBE_ROUTER = [
  '--ruleset',
  `${DATA}kube-router-iptables-save-c-new-comments.txt`,
  '--ipset',
  `${DATA}kube-router-ipset-save.txt`,
];

async function run(...args: string[]): Promise<{ code: number; stdout: string }> {
  let stdout = '';
  const code = await runExplainPacket(args, { stdout: (text) => void (stdout += text), stderr: () => undefined });
  return { code, stdout };
}

describe('whydrop explain --ruleset --packet', () => {
  it('prints every rule on the way, who wrote it, and the one that decides', async () => {
    const { code, stdout } = await run(
      ...KUBE_ROUTER,
      '--packet',
      'in=ens4 out=veth0 src=10.244.1.10 dst=10.244.2.20 proto=tcp dport=5432 hook=FORWARD',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/It is open; to decide it needs: local addresses of the node\./);
    expect(stdout).toMatch(/=> rejected by filter KUBE-POD-FW-K4H2C4ZB7GIO2PL3 rule 6/);
    expect(stdout).toMatch(
      /kube-router: ends packets that no policy of the workload \(in this tier\) let through, pod prod\/db-0, NetworkPolicy prod\/allow-web/,
    );
  });

  it('with the addresses of the node it is sure, and stopped is exit code 1', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'whydrop-'));
    try {
      const interfaces = join(folder, 'interfaces.json');
      writeFileSync(
        interfaces,
        JSON.stringify([{ ifname: 'ens4', addr_info: [{ family: 'inet', local: '192.168.50.2', prefixlen: 24 }] }]),
      );
      const packet = 'in=ens4 src=10.244.1.10 dst=10.244.2.20 proto=tcp dport=5432';
      const { code, stdout } = await run(...KUBE_ROUTER, '--interfaces', interfaces, '--packet', packet);
      expect(stdout).toMatch(/^TCP 10\.244\.1\.10 -> 10\.244\.2\.20:5432, in ens4, NEW\n/);
      expect(stdout).not.toMatch(/It is open/);
      expect(stdout).toMatch(/\n=> rejected by filter KUBE-POD-FW-K4H2C4ZB7GIO2PL3 rule 6\n/);
      expect(code).toBe(1);
      const allowed = await run(
        ...KUBE_ROUTER,
        '--interfaces',
        interfaces,
        '--json',
        '--packet',
        'in=ens4 src=10.244.1.10 dst=10.244.2.20 proto=tcp dport=8080',
      );
      expect(JSON.parse(allowed.stdout)).toMatchObject({ certain: true });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says which file and line it cannot read', async () => {
    await expect(run('--ruleset', `${DATA}listing-garbled.txt`, '--packet', 'src=1.1.1.1 dst=2.2.2.2')).rejects.toThrow(
      /listing-garbled\.txt: line 1: No chain/,
    );
    await expect(run('--ruleset', '/nowhere', '--packet', 'src=1.1.1.1 dst=2.2.2.2')).rejects.toThrow(
      '/nowhere: cannot be read',
    );
    await expect(run('--packet', 'src=1.1.1.1 dst=2.2.2.2')).rejects.toThrow(/--ruleset FILE is missing/);
  });
});

describe('parsePacket', () => {
  it('takes an opening packet for granted, and says so', () => {
    const { packet, assumptions } = parsePacket('in=eth0 out=none src=10.0.0.1 dst=10.0.0.2 proto=tcp dport=80');
    expect(packet).toMatchObject({
      ctstate: 'NEW',
      tcpFlags: ['SYN'],
      inInterface: 'eth0',
      outInterface: null,
      physicalIn: null,
    });
    expect(assumptions).toHaveLength(3);
  });

  it('reads everything there is to say', () => {
    const { packet, assumptions } = parsePacket(
      'src=fd00::1 dst=fd00:0::2 proto=icmp type=129 state=established flags=none mark=0x10 physin=veth1 physout=veth2 ttl=3',
    );
    expect(packet).toMatchObject({
      ctstate: 'ESTABLISHED',
      mark: 16,
      physicalIn: 'veth1',
      ttl: 3,
      tuple: { protocol: 'ICMPv6', destination: 'fd00::2', icmp: { type: 129, code: 0 } },
    });
    expect(assumptions).toEqual([]);
  });

  it.each([
    ['src=10.0.0.1', 'dst= is missing'],
    ['src=10.0.0.300 dst=10.0.0.1', 'src=10.0.0.300 is no address'],
    ['src=10.0.0.1 dst=10.0.0.2 dport=http', 'dport=http is no number'],
    ['src=10.0.0.1 dst=10.0.0.2 proto=tpc', 'proto=tpc is no protocol'],
    ['src=10.0.0.1 dst=10.0.0.2 state=OLD', 'state=OLD is none of'],
    ['src=10.0.0.1 dst=10.0.0.2 colour=red', 'colour=red is not one of'],
  ])('%s: %s', (text, message) => {
    expect(() => parsePacket(text)).toThrow(message);
  });
});
