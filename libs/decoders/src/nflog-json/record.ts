/**
 * One packet in ulogd2's own keys (`oob.prefix`, `ip.protocol`, `tcp.syn`, …), values as text. Both outputs use them;
 * JSON renames the addresses and ports (`src_ip`, `dest_port`).
 */
export interface NflogRecord {
  readonly fields: ReadonlyMap<string, string>;
  readonly raw: string;
  readonly line: number;
}
