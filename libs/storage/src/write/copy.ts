import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { parseIp } from '@whydrop/model';
import { storableJson } from './storable-json.js';

// Binary COPY, PostgreSQL documentation "COPY", section "Binary Format".
const HEAD = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const PG_EPOCH_MICROS = 946_684_800_000_000; // 2000-01-01, counted from 1970
const AF_INET = 2;
const AF_INET6 = 3;

/** Writes rows in PostgreSQL's binary COPY format into one growing buffer: nothing is allocated per value. */
export class CopyRows {
  private buffer: Buffer;
  private length: number;
  private rows = 0;

  constructor(
    readonly table: string,
    readonly columns: readonly string[],
    expectedRows = 1024,
  ) {
    this.buffer = Buffer.allocUnsafe(HEAD.length + 2 + expectedRows * columns.length * 12);
    this.length = HEAD.copy(this.buffer);
  }

  get count(): number {
    return this.rows;
  }

  private room(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.length + bytes));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }

  row(): this {
    this.room(2);
    this.length = this.buffer.writeInt16BE(this.columns.length, this.length);
    this.rows++;
    return this;
  }

  private size(bytes: number): void {
    this.room(4 + Math.max(bytes, 0));
    this.length = this.buffer.writeInt32BE(bytes, this.length);
  }

  private absent(value: unknown): value is undefined | null {
    if (value !== undefined && value !== null) return false;
    this.size(-1);
    return true;
  }

  int2(value: number | undefined | null): this {
    if (this.absent(value)) return this;
    this.size(2);
    this.length = this.buffer.writeInt16BE(value, this.length);
    return this;
  }

  int4(value: number | undefined | null): this {
    if (this.absent(value)) return this;
    this.size(4);
    this.length = this.buffer.writeInt32BE(value, this.length);
    return this;
  }

  int8(value: bigint | number | undefined | null): this {
    if (this.absent(value)) return this;
    this.size(8);
    this.length = this.buffer.writeBigInt64BE(BigInt(value), this.length);
    return this;
  }

  float8(value: number): this {
    this.size(8);
    this.length = this.buffer.writeDoubleBE(value, this.length);
    return this;
  }

  bool(value: boolean): this {
    this.size(1);
    this.length = this.buffer.writeUInt8(value ? 1 : 0, this.length);
    return this;
  }

  /** Microseconds since 1970. */
  timestamp(value: number | undefined | null): this {
    if (this.absent(value)) return this;
    return this.int8(BigInt(value) - BigInt(PG_EPOCH_MICROS));
  }

  text(value: string | undefined | null): this {
    if (this.absent(value)) return this;
    // PostgreSQL's text cannot hold NUL.
    const clean = value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
    const bytes = Buffer.byteLength(clean);
    this.size(bytes);
    this.length += this.buffer.write(clean, this.length);
    return this;
  }

  json(value: unknown): this {
    if (this.absent(value)) return this;
    const body = storableJson(JSON.stringify(value));
    const bytes = Buffer.byteLength(body);
    this.size(bytes + 1);
    this.length = this.buffer.writeUInt8(1, this.length);
    this.length += this.buffer.write(body, this.length);
    return this;
  }

  /** An address in canonical spelling. */
  inet(value: string | undefined | null): this {
    if (this.absent(value)) return this;
    const ip = parseIp(value);
    if (!ip) throw new TypeError(`not an address: ${value}`);
    const bytes = ip.family === 'inet' ? 4 : 16;
    this.size(4 + bytes);
    this.length = this.buffer.writeUInt8(ip.family === 'inet' ? AF_INET : AF_INET6, this.length);
    this.length = this.buffer.writeUInt8(bytes * 8, this.length);
    this.length = this.buffer.writeUInt8(0, this.length);
    this.length = this.buffer.writeUInt8(bytes, this.length);
    if (bytes === 4) this.length = this.buffer.writeUInt32BE(Number(ip.value), this.length);
    else {
      this.length = this.buffer.writeBigUInt64BE(ip.value >> 64n, this.length);
      this.length = this.buffer.writeBigUInt64BE(ip.value & 0xffff_ffff_ffff_ffffn, this.length);
    }
    return this;
  }

  int8Array(values: readonly bigint[]): this {
    const dimensions = values.length === 0 ? 0 : 1;
    this.size(12 + dimensions * 8 + values.length * 12);
    this.length = this.buffer.writeInt32BE(dimensions, this.length);
    this.length = this.buffer.writeInt32BE(0, this.length);
    this.length = this.buffer.writeInt32BE(20, this.length); // oid of int8
    if (dimensions === 1) {
      this.length = this.buffer.writeInt32BE(values.length, this.length);
      this.length = this.buffer.writeInt32BE(1, this.length);
    }
    for (const value of values) {
      this.length = this.buffer.writeInt32BE(8, this.length);
      this.length = this.buffer.writeBigInt64BE(value, this.length);
    }
    return this;
  }

  textArray(values: readonly string[]): this {
    const dimensions = values.length === 0 ? 0 : 1;
    const texts = values.map((value) => Buffer.from(value.replaceAll('\0', '\uFFFD')));
    this.size(12 + dimensions * 8 + texts.reduce((sum, text) => sum + 4 + text.length, 0));
    this.length = this.buffer.writeInt32BE(dimensions, this.length);
    this.length = this.buffer.writeInt32BE(0, this.length);
    this.length = this.buffer.writeInt32BE(25, this.length); // oid of text
    if (dimensions === 1) {
      this.length = this.buffer.writeInt32BE(values.length, this.length);
      this.length = this.buffer.writeInt32BE(1, this.length);
    }
    for (const text of texts) {
      this.length = this.buffer.writeInt32BE(text.length, this.length);
      this.length += text.copy(this.buffer, this.length);
    }
    return this;
  }

  /** Sends all rows in one COPY on this connection, inside its transaction. */
  async send(client: pg.PoolClient): Promise<number> {
    if (this.rows === 0) return 0;
    this.room(2);
    this.length = this.buffer.writeInt16BE(-1, this.length);
    const names = this.columns.map((column) => `"${column}"`).join(', ');
    const statement = `COPY "${this.table}" (${names}) FROM STDIN BINARY`;
    await pipeline(Readable.from([this.buffer.subarray(0, this.length)]), client.query(copyFrom(statement)));
    return this.rows;
  }
}
