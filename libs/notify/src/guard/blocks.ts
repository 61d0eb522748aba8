import { BlockList, isIP } from 'node:net';

/** An address range: `10.0.0.0/8`. */
export interface Block {
  readonly address: string;
  readonly bits: number;
}

// IANA's special-purpose registries: nothing in them is a public host. `::ffff:0:0/96` is judged as the IPv4 address in it.
const SPECIAL: readonly string[] = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['168.63.129.16/32', '224.0.0.0/4', '240.0.0.0/4'],
  ...['::/128', '::1/128', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/23', '2001:db8::/32', '2002::/16'],
  ...['::/96', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8', '3fff::/20', '5f00::/16'],
];

// Never meant by a wide entry of the allow list: only by one that lies within.
const NAMED_ONLY: readonly string[] = [
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.169.254/32', '100.100.100.200/32', '168.63.129.16/32', '224.0.0.0/4'],
  ...['240.0.0.0/4', '::/128', '::1/128', 'fd00:ec2::254/128', 'ff00::/8'],
];

/** Reads `address` or `address/bits`; undefined when it is neither. */
export function parseBlock(text: string): Block | undefined {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || address.includes('%')) return undefined;
  const most = version === 4 ? 32 : 128;
  if (bits === undefined) return { address, bits: most };
  return /^\d{1,3}$/.test(bits) && Number(bits) <= most ? { address, bits: Number(bits) } : undefined;
}

function listOf(blocks: readonly Block[]): BlockList {
  const list = new BlockList();
  for (const { address, bits } of blocks) list.addSubnet(address, bits, isIP(address) === 4 ? 'ipv4' : 'ipv6');
  return list;
}

const blocksOf = (texts: readonly string[]) => texts.flatMap((text) => parseBlock(text) ?? []);
const SPECIAL_LISTS = { 4: listOf(blocksOf(SPECIAL).filter(isFour)), 6: listOf(blocksOf(SPECIAL).filter(isSix)) };
const NAMED_ONLY_BLOCKS = blocksOf(NAMED_ONLY);

function isFour({ address }: Block): boolean {
  return isIP(address) === 4;
}

function isSix(block: Block): boolean {
  return !isFour(block);
}

/** Whether the block holds the address; both of one family. */
export function holds(block: Block, address: string): boolean {
  if (isIP(block.address) !== isIP(address)) return false;
  return listOf([block]).check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

/** The IPv4 address within `::ffff:a.b.c.d`, however that is written; any other address as it is. */
export function unmapped(address: string): string {
  if (isIP(address) !== 6) return address;
  const text = new URL(`http://[${address.split('%', 1)[0]}]`).hostname.slice(1, -1);
  const match = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(text);
  if (!match) return text;
  const [high, low] = [Number.parseInt(match[1] ?? '', 16), Number.parseInt(match[2] ?? '', 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** Whether an address is no public host: private, loopback, link-local, multicast, documentation, translated. */
export function isSpecial(address: string): boolean {
  return isIP(address) === 4 ? SPECIAL_LISTS[4].check(address, 'ipv4') : SPECIAL_LISTS[6].check(address, 'ipv6');
}

/** Whether an entry of the allow list means this address. */
export function opens(entry: Block, address: string): boolean {
  if (!holds(entry, address)) return false;
  return NAMED_ONLY_BLOCKS.every(
    (block) => !holds(block, address) || (holds(block, entry.address) && entry.bits >= block.bits),
  );
}
