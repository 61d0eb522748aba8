/** Transport protocols by the names conntrack and Kubernetes use, in capitals; others keep their number: `IP-47`. */
export type Protocol = 'TCP' | 'UDP' | 'SCTP' | 'ICMP' | 'ICMPv6' | 'UDPLITE' | 'DCCP' | 'GRE' | `IP-${number}`;

const BY_NUMBER: Readonly<Record<number, Protocol>> = {
  1: 'ICMP',
  6: 'TCP',
  17: 'UDP',
  33: 'DCCP',
  47: 'GRE',
  58: 'ICMPv6',
  132: 'SCTP',
  136: 'UDPLITE',
};

const BY_NAME = new Map(Object.values(BY_NUMBER).map((name) => [name.toUpperCase(), name]));

/** IANA protocol number to name; a number without a name keeps it (`IP-89`). */
export function protocolFromNumber(number: number): Protocol {
  return BY_NUMBER[number] ?? `IP-${number}`;
}

/** `tcp`, `TCP`, `6`, `ipv6-icmp` to the name used here; undefined when it is none of them. */
export function protocolFromName(text: string): Protocol | undefined {
  const upper = text.toUpperCase();
  if (upper === 'IPV6-ICMP' || upper === 'ICMP6') return 'ICMPv6';
  if (/^\d{1,3}$/.test(text) && Number(text) < 256) return protocolFromNumber(Number(text));
  return BY_NAME.get(upper);
}

/** IANA number of a protocol. */
export function protocolNumber(protocol: Protocol): number {
  if (protocol.startsWith('IP-')) return Number(protocol.slice(3));
  return Number(Object.entries(BY_NUMBER).find(([, name]) => name === protocol)?.[0] ?? 0);
}

/** Whether packets of this protocol carry port numbers that policies can name. */
export function hasPorts(protocol: Protocol): boolean {
  return (
    protocol === 'TCP' || protocol === 'UDP' || protocol === 'SCTP' || protocol === 'UDPLITE' || protocol === 'DCCP'
  );
}
