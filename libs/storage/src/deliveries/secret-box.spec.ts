import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { messageKey } from './message-key.js';
import { NoSecretKey, openSecretBox, secretBox } from './secret-box.js';

const nowhere = () => {
  throw new Error('no data home is needed');
};

describe('a sealed secret', () => {
  const box = secretBox([randomBytes(32)]);
  const sealed = box.seal('whsec_ü', 'receiver a');

  it('opens for what it was sealed for, and looks different every time', () => {
    expect(box.open(sealed, 'receiver a')).toBe('whsec_ü');
    expect(sealed.bytes.includes('whsec')).toBe(false);
    expect(box.seal('whsec_ü', 'receiver a').bytes.equals(sealed.bytes)).toBe(false);
  });

  it('opens for nothing else', () => {
    expect(() => box.open(sealed, 'receiver b')).toThrow('sealed for something else');
  });

  it('does not open with any bit changed', () => {
    for (let i = 0; i < sealed.bytes.length; i++) {
      const bytes = Buffer.from(sealed.bytes);
      bytes[i] = (bytes[i] ?? 0) ^ 1;
      expect(() => box.open({ ...sealed, bytes }, 'receiver a')).toThrow('was changed since');
    }
    expect(() => box.open({ ...sealed, bytes: sealed.bytes.subarray(0, 20) }, 'receiver a')).toThrow();
  });

  it('does not open with another key, and says which it wants', () => {
    expect(() => secretBox([randomBytes(32)]).open(sealed, 'receiver a')).toThrow(`sealed with key ${sealed.keyId}`);
  });
});

describe('the key', () => {
  const [one, two] = [randomBytes(32), randomBytes(32)];

  it('comes from WHYDROP_SECRET_KEY, in base64 or hex', () => {
    const base64 = openSecretBox({ WHYDROP_SECRET_KEY: one.toString('base64') }, nowhere);
    const hex = openSecretBox({ WHYDROP_SECRET_KEY: one.toString('hex') }, nowhere);
    expect(hex.open(base64.seal('x', 'c'), 'c')).toBe('x');
  });

  it('can be changed: the new one in front seals, the old one still opens', () => {
    const before = openSecretBox({ WHYDROP_SECRET_KEY: one.toString('hex') }, nowhere);
    const after = openSecretBox({ WHYDROP_SECRET_KEY: `${two.toString('hex')}, ${one.toString('hex')}` }, nowhere);
    expect(after.open(before.seal('x', 'c'), 'c')).toBe('x');
    expect(() => before.open(after.seal('x', 'c'), 'c')).toThrow('does not have');
  });

  it.each(['short', 'x'.repeat(64), `${'0'.repeat(62)}`])('%p is refused by the name of the setting', (key) => {
    expect(() => openSecretBox({ WHYDROP_SECRET_KEY: key }, nowhere)).toThrow(
      'WHYDROP_SECRET_KEY: a key is 32 random bytes',
    );
  });

  it('is made in the data home when there is none, for its owner only, and stays', () => {
    const home = mkdtempSync(path.join(tmpdir(), 'whydrop-key-'));
    try {
      const sealed = openSecretBox({}, () => home).seal('x', 'c');
      const file = path.join(home, 'secret.key');
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(readFileSync(file, 'utf8')).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
      expect(openSecretBox({}, () => home).open(sealed, 'c')).toBe('x');
    } finally {
      rmSync(home, { recursive: true });
    }
  });
});

it('where no key can be made, that is said when one is needed, not before', () => {
  const box = openSecretBox({}, () => '/dev/null/nowhere');
  expect(() => box.seal('x', 'c')).toThrow(NoSecretKey);
  expect(() => box.seal('x', 'c')).toThrow('WHYDROP_SECRET_KEY is not set, and secret.key cannot be made: ENOTDIR');
});

it('ids of messages sort by time and hold no dot', () => {
  const keys = [1, 2, 3_000, 1_795_212_551_357].map((now) => messageKey(now));
  expect(keys).toEqual(keys.toSorted());
  for (const key of keys) expect(key).toMatch(/^msg_[0-9A-HJKMNP-TV-Z]{26}$/);
  expect(messageKey(1_469_918_176_385)).toMatch(/^msg_01ARYZ6S41/);
});
