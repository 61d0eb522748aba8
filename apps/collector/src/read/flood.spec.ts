import { jest } from '@jest/globals';
import { Flood } from './flood.js';

const NOW = 1_795_000_000_000;
let told: string[];
let readUntil: number;
let flood: Flood;
/** Whether it was unknown what was lost, each time that this was said to have changed. */
let unknown: boolean[];

beforeEach(() => {
  jest.useFakeTimers({ now: NOW });
  [told, unknown] = [[], []];
  readUntil = NOW;
  flood = new Flood({
    now: Date.now,
    readUntil: () => readUntil,
    tell: (from, to, detail) => void told.push(`${detail} ${from - NOW}..${to - NOW}`),
    changed: () => void unknown.push(flood.untold),
  });
});
afterEach(() => {
  flood.end();
  jest.useRealTimers();
});

describe('losses that are said', () => {
  it('are told at once, and those of the next second at its end, joined on', () => {
    flood.said('a');
    expect(told).toEqual(['a -1000..0']);
    expect(flood.untold).toBe(false);
    jest.advanceTimersByTime(300);
    flood.said('b');
    flood.said('c');
    expect(flood.untold).toBe(true);
    expect(unknown).toEqual([true, true]);
    expect(told).toHaveLength(1);
    jest.advanceTimersByTime(700);
    expect(told).toEqual(['a -1000..0', 'c 0..1000']);
    expect(flood.untold).toBe(false);
    jest.advanceTimersByTime(5_000);
    expect(told).toHaveLength(2);
  });

  it('do not go behind what was told, nor behind what was read', () => {
    flood.said('a');
    jest.advanceTimersByTime(1_300);
    flood.said('b');
    jest.advanceTimersByTime(60_000);
    readUntil = NOW + 30_000;
    flood.said('c');
    expect(told).toEqual(['a -1000..0', 'b 0..1300', 'c 30000..61300']);
  });

  it('are told also when the clock was put back', () => {
    flood.said('a');
    jest.setSystemTime(NOW - 3_600_000);
    flood.said('b');
    jest.advanceTimersByTime(1_000);
    expect(told[1]).toBe('b -3600000..-3599000');
  });

  it('are told when nothing more is said', () => {
    flood.said('a');
    jest.advanceTimersByTime(400);
    flood.said('b');
    flood.end();
    expect(told).toEqual(['a -1000..0', 'b 0..400']);
  });
});
