import { canonicalIp } from '@whydrop/model';

const CACHE_LIMIT = 4096;
const LONGEST_ADDRESS = 45;
const cache = new Map<string, string>();

/** Whether the text is a dotted IPv4 address in its canonical spelling; most are, and need no more work. */
function isPlainV4(text: string): boolean {
  let octet = -1;
  let dots = 0;
  let digits = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 46) {
      if (octet < 0 || ++dots > 3) return false;
      octet = -1;
      digits = 0;
    } else if (c >= 48 && c <= 57) {
      octet = octet < 0 ? c - 48 : octet * 10 + c - 48;
      if (octet > 255 || (++digits > 1 && octet < 10)) return false;
    } else return false;
  }
  return dots === 3 && octet >= 0;
}

/** Remembers a spelling under a fresh copy: a slice would keep the whole payload in memory. */
function remember(text: string, canonical: string): string {
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(text.split('').join(''), canonical);
  return canonical;
}

/** `canonicalIp`, fast for plain IPv4 and for IPv6 addresses that were met before. Undefined when it is no address. */
export function canonicalAddress(text: string): string | undefined {
  if (isPlainV4(text)) return text;
  if (text.length > LONGEST_ADDRESS) return undefined;
  const known = cache.get(text);
  if (known !== undefined) return known;
  const canonical = canonicalIp(text);
  return canonical === undefined ? undefined : remember(text, canonical);
}
