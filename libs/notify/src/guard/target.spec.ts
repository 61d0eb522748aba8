import { parseAllowList } from './allow-list.js';
import { Refused, resolveTarget } from './target.js';

const NOBODY = parseAllowList(undefined);

/** DNS of the tests: names and what they answer. */
const ZONE: Readonly<Record<string, readonly string[]>> = {
  'public.example': ['93.184.216.34', '2606:2800:220:1::1'],
  'private.example': ['10.1.2.3'],
  'mixed.example': ['93.184.216.34', '10.1.2.3'],
  'mapped.example': ['::ffff:10.1.2.3'],
  localhost: ['127.0.0.1', '::1'],
  'alertmanager.monitoring.svc': ['10.96.7.7'],
  'metadata.internal': ['169.254.169.254'],
  'empty.example': [],
};

const lookup = (name: string) =>
  name in ZONE ? Promise.resolve(ZONE[name] ?? []) : Promise.reject(new Error(`getaddrinfo ENOTFOUND ${name}`));

const refused = (url: string, allow = NOBODY) =>
  resolveTarget(url, allow, lookup).then(
    (target) => `goes to ${target.address}`,
    (error: unknown) => (error instanceof Refused ? 'refused' : `fails: ${(error as Error).message}`),
  );

it.each([
  ...['127.0.0.1', '127.1', '2130706433', '0x7f.1', '0x7f000001', '0177.0.0.1', '017700000001', '①②⑦.0.0.1'],
  ...['0.0.0.0', '0', '10.0.0.1', '100.64.0.1', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
  ...['192.0.0.1', '192.0.2.1', '192.88.99.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '168.63.129.16'],
  ...['224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', '100.100.100.200'],
  ...['[::1]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::ffff:10.0.0.1]', '[0:0:0:0:0:ffff:a9fe:a9fe]'],
  ...['[::127.0.0.1]', '[64:ff9b::7f00:1]', '[64:ff9b:1::1]', '[2002:7f00:1::]', '[2001:0:4136:e378::1]', '[100::1]'],
  ...['[fc00::1]', '[fd00:ec2::254]', '[fe80::1]', '[fec0::1]', '[ff02::1]', '[2001:db8::1]'],
  ...[
    'localhost',
    'localhost.',
    'LOCALHOST',
    'private.example',
    'mixed.example',
    'mapped.example',
    'metadata.internal',
  ],
])('https://%s/ is not sent to', async (host) => {
  expect(await refused(`https://${host}/`)).toBe('refused');
});

it.each([
  ['https://public.example/', 'goes to 93.184.216.34'],
  ['https://public.example./', 'goes to 93.184.216.34'],
  ['https://public.example:8443/hook?a=1', 'goes to 93.184.216.34'],
  ['https://93.184.216.34/', 'goes to 93.184.216.34'],
  ['https://[2606:2800:220:1::1]/', 'goes to 2606:2800:220:1::1'],
  ['https://[::ffff:93.184.216.34]/', 'goes to 93.184.216.34'],
  ['https://172.15.255.255/', 'goes to 172.15.255.255'],
  ['https://172.32.0.1/', 'goes to 172.32.0.1'],
  ['http://public.example/', 'refused'],
  ['https://public.example:22/', 'refused'],
  ['https://public.example:5432/', 'refused'],
  ['https://user@public.example/', 'refused'],
  ['https://user:pass@public.example/', 'refused'],
  ['https://:pass@public.example/', 'refused'],
  ['ftp://public.example/', 'refused'],
  ['file:///etc/passwd', 'refused'],
  ['gopher://public.example/', 'refused'],
  ['public.example', 'refused'],
  ['https://', 'refused'],
  ['https://unknown.example/', 'fails: getaddrinfo ENOTFOUND unknown.example'],
  ['https://empty.example/', 'fails: empty.example has no address'],
])('%s: %s', async (url, wanted) => {
  expect(await refused(url)).toBe(wanted);
});

it.each([
  ['127.0.0.1', 'http://127.0.0.1:9999/', 'goes to 127.0.0.1'],
  ['127.0.0.0/8', 'http://127.1:9999/', 'goes to 127.0.0.1'],
  ['127.0.0.1/32', 'http://[::ffff:127.0.0.1]:9999/', 'goes to 127.0.0.1'],
  ['127.0.0.1:8080', 'http://127.0.0.1:8080/', 'goes to 127.0.0.1'],
  ['127.0.0.1:8080', 'http://127.0.0.1:5432/', 'refused'],
  ['[::1]:9093', 'http://[::1]:9093/', 'goes to ::1'],
  ['::1', 'http://[::1]:9093/', 'goes to ::1'],
  ['127.0.0.1', 'http://localhost/', 'refused'],
  ['127.0.0.1,::1', 'http://localhost/', 'goes to 127.0.0.1'],
  ['localhost', 'http://localhost/', 'refused'],
  ['0.0.0.0/0', 'http://127.0.0.1/', 'refused'],
  ['0.0.0.0/0', 'http://10.1.2.3:81/', 'goes to 10.1.2.3'],
  ['0.0.0.0/0,::/0', 'https://[::1]/', 'refused'],
  ['169.254.0.0/16', 'http://169.254.169.254/', 'refused'],
  ['169.254.0.0/16', 'http://169.254.1.1/', 'goes to 169.254.1.1'],
  ['169.254.169.254', 'http://169.254.169.254/', 'goes to 169.254.169.254'],
  ['10.0.0.0/8', 'https://private.example/', 'goes to 10.1.2.3'],
  ['10.0.0.0/8', 'https://mixed.example/', 'goes to 93.184.216.34'],
  ['11.0.0.0/8', 'https://private.example/', 'refused'],
  ['alertmanager.monitoring.svc', 'http://alertmanager.monitoring.svc:9093/', 'goes to 10.96.7.7'],
  ['Alertmanager.monitoring.svc:9093', 'http://alertmanager.monitoring.SVC:9093/', 'goes to 10.96.7.7'],
  ['alertmanager.monitoring.svc:9093', 'http://alertmanager.monitoring.svc:80/', 'refused'],
  ['monitoring.svc', 'http://alertmanager.monitoring.svc/', 'refused'],
  ['metadata.internal', 'http://metadata.internal/', 'refused'],
  [' 10.0.0.0/8 , ,127.0.0.1', 'http://127.0.0.1/', 'goes to 127.0.0.1'],
])('with %s allowed, %s: %s', async (allow, url, wanted) => {
  expect(await refused(url, parseAllowList(allow))).toBe(wanted);
});

it.each([
  '10.0.0.0/33',
  '10.0.0.0/x',
  'http://x',
  'a b',
  '127.0.0.1:0',
  '127.0.0.1:70000',
  '[::1',
  '*',
  'fe80::1%eth0',
])('an allow list with %p is refused, by its place', (entry) =>
  expect(() => parseAllowList(`127.0.0.1,${entry}`)).toThrow(`WHYDROP_WEBHOOK_ALLOW, entry 2 '${entry}'`),
);
