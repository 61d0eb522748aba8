import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { removeLeftovers } from '../../lab/src/fabric.js';
import { Link } from './link.js';

function mayMakeNamespaces(): boolean {
  if (process.getuid?.() === 0 || process.env['CI'] === 'true') return true;
  process.stderr.write('the link that is taken down is left out: network namespaces need root\n');
  return false;
}

const namespaces = () => execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' });

/** Connects and ends: how that went. */
const KNOCK = `
  const { hostname: host, port } = new URL(process.argv[1]);
  const socket = require('node:net').connect({ host, port });
  const tell = (how) => { process.stdout.write(how); process.exit(); };
  setTimeout(() => tell('nothing'), Number(process.argv[2]));
  socket.on('error', ({ code }) => tell(code)).on('connect', () => tell('connected'));`;

async function knock(link: Link, milliseconds: number): Promise<string> {
  const [command, args] = link.inside(process.execPath, ['-e', KNOCK, link.url, String(milliseconds)]);
  return (await promisify(execFile)(command, [...args])).stdout;
}

describe.each(mayMakeNamespaces() ? ['a link between two namespaces'] : [])('%s', () => {
  let link: Link;
  let accepted = 0;
  beforeAll(async () => {
    link = await Link.open((server) => {
      server.on('connection', (socket) => {
        accepted += 1;
        socket.on('error', () => undefined).resume();
      });
    });
  });
  afterAll(() => link.remove());

  it('leads to a socket of this process', async () => {
    expect(await knock(link, 60_000)).toBe('connected');
    expect(accepted).toBe(1);
  });

  it('says nothing while it is down, also after the four seconds in which a neighbour would have been missed', async () => {
    link.down();
    expect(await knock(link, 4_500)).toBe('nothing');
    expect(accepted).toBe(1);
  });

  it('leads there again when it is up', async () => {
    link.up();
    expect(await knock(link, 60_000)).toBe('connected');
    expect(accepted).toBe(2);
  });

  it('is left alone by a lab that clears away what killed ones left', async () => {
    removeLeftovers();
    expect(await knock(link, 60_000)).toBe('connected');
    expect(accepted).toBe(3);
  });

  it('leaves nothing behind', () => {
    const mine = new RegExp(`^survive${process.pid.toString(36)}x`, 'm');
    expect(namespaces()).toMatch(mine);
    link.remove();
    expect(namespaces()).not.toMatch(mine);
  });
});
