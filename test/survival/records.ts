/** A format whose records carry a number that can be found again in the stored row. */
export type NumberedFormat = 'conntrack-events' | 'nflog-gprint';

/** A connection of its own for every number, none a retry of another; few ends, so that they make few groups. */
function ends(number: number) {
  const source = `10.1.${Math.floor(number / 60_000)}.${1 + (number % 16)}`;
  return { source, port: 1024 + (number % 60_000), destination: `10.200.${number % 3}.${1 + (number % 7)}` };
}

function conntrackLine(number: number, micros: number): string {
  const { source, port, destination } = ends(number);
  const tuple = `src=${source} dst=${destination} sport=${port} dport=443`;
  const reply = `src=${destination} dst=${source} sport=443 dport=${port}`;
  return `[${(micros / 1e6).toFixed(6)}]\t    [NEW] tcp      6 120 SYN_SENT ${tuple} [UNREPLIED] ${reply} id=${number}`;
}

/** As ulogd2's GPRINT writes what Calico logs of a packet that a policy's rule denied. */
function nflogLine(number: number, micros: number): string {
  const { source, port, destination } = ends(number);
  const [seconds, fraction] = [Math.floor(micros / 1e6), Math.round(micros % 1e6)];
  const stamp = new Date(seconds * 1000).toISOString().slice(0, 19).replaceAll('-', '/').replace('T', '-');
  return (
    `timestamp=${stamp},raw.pktlen=60,raw.pktcount=1,oob.prefix=DPI2|np/prod/lock-db,oob.time.sec=${seconds},oob.time.usec=${fraction},` +
    `oob.mark=262144,oob.ifindex_in=2,oob.ifindex_out=3,oob.hook=2,raw.mac_len=14,oob.family=2,oob.protocol=2048,raw.label=0,` +
    `ip.saddr=${source},ip.daddr=${destination},ip.protocol=6,ip.totlen=60,tcp.sport=${port},tcp.dport=5432,tcp.seq=${number},` +
    `tcp.syn=1,tcp.ack=0,oob.in=ens4,oob.out=cali1f79f9e08f2,ip.saddr.str=${source},ip.daddr.str=${destination}`
  );
}

/** One record that carries `number`: a conntrack id, a TCP sequence number. Time in microseconds since 1970. */
export function numberedLine(format: NumberedFormat, number: number, micros: number): string {
  return format === 'conntrack-events' ? conntrackLine(number, micros) : nflogLine(number, micros);
}
