import { envelopeSchema } from '@whydrop/contracts';
import { decodeStream } from '@whydrop/decoders';
import {
  correlateCluster,
  type Database,
  loadBatch,
  openDatabase,
  storeDecoded,
  storeRawBatch,
} from '@whydrop/storage';
import { testDatabase } from '@whydrop/testing';

const AT = 1795270593.951;
const FORMAT = 'xtables-trace';
/** Connects of one client to one service: enough for the keys of both parts to come in either order. */
const PORTS = Array.from({ length: 12 }, (_, at) => 20_100 + at);

const id = (port: number) => `aaaa${port.toString(16)}`;

/** The line that a trace prints anew at each hook. */
function headers(port: number, to: string): string {
  const [ip, toPort] = to.split(':');
  return `${AT.toFixed(6)} PACKET: 2 ${id(port)} IN=azv1 SRC=10.244.2.14 DST=${ip} LEN=60 TOS=0x0 TTL=64 ID=${port} DF SPORT=${port} DPORT=${toPort} SYN \n`;
}

const step = (port: number, text: string) => `${AT.toFixed(6)}  TRACE: 2 ${id(port)} ${text}\n`;

/** A connect to a service that a rule ended, cut between two hooks before its destination was translated. */
function parts(port: number): readonly [string, string] {
  const sent = headers(port, '10.96.0.23:8000');
  const rule = '-A AZURE-NPM-INGRESS -m mark --mark 0x400/0x400 -j DROP';
  return [
    sent + step(port, 'raw:PREROUTING:policy:ACCEPT '),
    sent +
      step(port, 'nat:PREROUTING:policy:ACCEPT ') +
      headers(port, '10.244.1.13:80') +
      step(port, 'filter:FORWARD:rule:0x18:JUMP:AZURE-NPM-INGRESS  -4 -t filter -A FORWARD -j AZURE-NPM-INGRESS') +
      step(port, `filter:AZURE-NPM-INGRESS:rule:0x62:DROP  -4 -t filter ${rule}`),
  ];
}

async function store(database: Database, sequence: number, text: string): Promise<number> {
  const stream = { version: 1, cluster: 'c', node: 'n2', stream: 'trace.log', format: FORMAT, epoch: 1, sequence };
  const times = { observedFrom: null, observedTo: null };
  const envelope = envelopeSchema.parse({ ...stream, ...times, firstLine: 1 + sequence * 1000, attributes: {} });
  const { batchId } = await storeRawBatch(database, envelope, Buffer.from(text));
  const batch = await loadBatch(database, BigInt(batchId));
  if (!batch) throw new Error(`batch ${batchId} is not there`);
  await storeDecoded(database, batch, decodeStream(FORMAT, batch.payload, batch), batch.receivedAt);
  return batch.clusterId;
}

/** Ports, destinations and packets of the drops that are told. */
async function told({ pool }: Database): Promise<readonly string[]> {
  const { rows } = await pool.query<{ told: string }>(
    `SELECT source_port || ' ' || host(destination) || ' ' || packets AS told
       FROM "drop" ORDER BY source_port, first_seen_at`,
  );
  return rows.map((row) => row.told);
}

describe('a trace that was cut between two hooks, so that both parts begin with the same line', () => {
  const halves = [0, 1].map((half) => PORTS.map((port) => parts(port)[half]).join(''));

  it.each([
    ['in order', [[0], [1]]],
    ['the end first', [[1], [0]]],
    ['both in one run', [[0, 1]]],
    ['the beginning again', [[1], [0, 2]]],
  ])('is told once for each connect: %s', async (_name, runs) => {
    const { url, drop } = await testDatabase();
    const database = openDatabase(url);
    try {
      for (const run of runs) {
        let cluster = 0;
        for (const part of run) cluster = await store(database, part, halves[part % 2] ?? '');
        await correlateCluster(database, cluster);
      }
      expect(await told(database)).toEqual(PORTS.map((port) => `${port} 10.244.1.13 1`));
    } finally {
      await database.close();
      await drop();
    }
  });
});
