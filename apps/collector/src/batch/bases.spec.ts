import type { BatchHead } from '../spool/record.js';
import { Bases } from './bases.js';

const STREAM = { stream: 'iptables.save', format: 'iptables-save' };
const MINUTE = 60_000;

const saved = (packets: number, rules = '-j DROP') => `*filter\n[${packets}:60] -A FORWARD ${rules}\nCOMMIT\n`;

/** What goes out picture by picture: `whole`, or the counters that moved. */
class Shipping {
  readonly bases = new Bases();
  private sequence = 0;

  constructor(private readonly source = STREAM) {}

  ship(text: string, at = 0): string {
    const { payload, base, numbered } = this.bases.tell(this.source, Buffer.from(text, 'latin1'), at);
    numbered({ epoch: 7, sequence: this.sequence++ });
    if (base === undefined) return payload.toString('latin1') === text ? 'whole' : 'wrong';
    return `${base}:${payload
      .toString('latin1')
      .replace(/^sha256 .*\n/, ' ')
      .trimEnd()}`;
  }

  refused(sequence: number, base?: number): void {
    const head: BatchHead = { kind: 'batch', ...STREAM, epoch: 7, sequence, records: 1, from: 0, to: 0 };
    this.bases.refused(base === undefined ? head : { ...head, base });
  }
}

describe('how a picture is shipped', () => {
  it('whole, then what moved since, until the text changes', () => {
    const shipping = new Shipping();
    expect(shipping.ship(saved(1))).toBe('whole');
    expect(shipping.ship(saved(1))).toBe('0:');
    expect(shipping.ship(saved(2))).toBe('0: 0 [2:60]');
    expect(shipping.ship(saved(3))).toBe('0: 0 [3:60]');
    expect(shipping.ship(saved(3, '-j ACCEPT'))).toBe('whole');
    expect(shipping.ship(saved(4, '-j ACCEPT'))).toBe('4: 0 [4:60]');
  });

  it('whole when ten minutes are over, or the clock went back', () => {
    const shipping = new Shipping();
    shipping.ship(saved(1), MINUTE);
    expect(shipping.ship(saved(2), 11 * MINUTE - 1)).toBe('0: 0 [2:60]');
    expect(shipping.ship(saved(2), 11 * MINUTE)).toBe('whole');
    expect(shipping.ship(saved(3), 10 * MINUTE)).toBe('whole');
  });

  it('whole when the one that it would be told by was refused or dropped', () => {
    const shipping = new Shipping();
    shipping.ship(saved(1));
    shipping.refused(0);
    expect(shipping.ship(saved(2))).toBe('whole');
    shipping.bases.lost({ ...STREAM, epoch: 7 }, 0, 0);
    shipping.bases.lost({ ...STREAM, epoch: 8 }, 0, 9);
    shipping.bases.lost({ stream: 'ip6tables.save', epoch: 7 }, 0, 9);
    expect(shipping.ship(saved(3))).toBe('1: 0 [3:60]');
    shipping.bases.lost({ ...STREAM, epoch: 7 }, 0, 1);
    expect(shipping.ship(saved(3))).toBe('whole');
  });

  it('whole for ever when the server refused one that was told by another', () => {
    const shipping = new Shipping();
    shipping.ship(saved(1));
    shipping.ship(saved(2));
    shipping.refused(1, 0);
    expect([shipping.ship(saved(3)), shipping.ship(saved(3))]).toEqual(['whole', 'whole']);
  });

  it('whole when nothing is told of its format', () => {
    const routes = new Shipping({ stream: 'routes.json', format: 'routes' });
    expect([routes.ship('[]'), routes.ship('[]')]).toEqual(['whole', 'whole']);
  });

  it('each stream by its own', () => {
    const [bases, bytes] = [new Bases(), Buffer.from(saved(1))];
    bases.tell(STREAM, bytes, 0).numbered({ epoch: 7, sequence: 0 });
    expect(bases.tell({ ...STREAM, stream: 'iptables-legacy.save' }, bytes, 0).base).toBeUndefined();
  });
});
