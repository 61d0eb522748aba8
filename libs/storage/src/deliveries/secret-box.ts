import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface Sealed {
  /** Which key it was sealed with; tells nothing of the key. */
  readonly keyId: string;
  /** 12 bytes nonce, 16 bytes tag, ciphertext. */
  readonly bytes: Buffer;
}

/** Seals texts for one place: what was sealed for another `context` does not open. AES-256-GCM. */
export interface SecretBox {
  seal(text: string, context: string): Sealed;
  /** Throws an error for people when the key is another one or the bytes were changed. */
  open(sealed: Sealed, context: string): string;
}

/** There is no key, and none can be made here; the message is for people. */
export class NoSecretKey extends Error {}

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_FILE = 'secret.key';

function keyIdOf(key: Buffer): string {
  return createHash('sha256').update('whydrop key id\0').update(key).digest('hex').slice(0, 12);
}

/** The first key seals, all of them open: put a new one in front, and old secrets still open. */
export function secretBox(keys: readonly [Buffer, ...Buffer[]]): SecretBox {
  const known = new Map(keys.map((key) => [keyIdOf(key), key]));
  return {
    seal: (text, context) => {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', keys[0], nonce).setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return { keyId: keyIdOf(keys[0]), bytes: Buffer.concat([nonce, cipher.getAuthTag(), body]) };
    },
    open: ({ keyId, bytes }, context) => {
      const key = known.get(keyId);
      if (!key) throw new Error(`sealed with key ${keyId}, which this process does not have: see WHYDROP_SECRET_KEY`);
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(context)).setAuthTag(tag);
      const body = bytes.subarray(NONCE_BYTES + TAG_BYTES);
      try {
        return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
      } catch {
        throw new Error(`what was sealed for ${context} was changed since, or was sealed for something else`);
      }
    },
  };
}

function parseKey(text: string, where: string): Buffer {
  const trimmed = text.trim();
  const key = Buffer.from(trimmed, /^[0-9a-f]{64}$/i.test(trimmed) ? 'hex' : 'base64');
  if (key.length !== KEY_BYTES)
    throw new Error(`${where}: a key is ${KEY_BYTES} random bytes in base64 or hex (openssl rand -base64 32)`);
  return key;
}

function keyFile(dataHome: string): Buffer {
  const file = path.join(dataHome, KEY_FILE);
  try {
    mkdirSync(dataHome, { recursive: true });
    // Fails when it is there: two processes that start at once end up with one key.
    writeFileSync(file, `${randomBytes(KEY_BYTES).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST')
      throw new NoSecretKey(`WHYDROP_SECRET_KEY is not set, and ${KEY_FILE} cannot be made: ${code}`);
  }
  return parseKey(readFileSync(file, 'utf8'), file);
}

/**
 * WHYDROP_SECRET_KEY (one key, or several parted by commas, the newest first), else `secret.key` in the data home, which is read, or
 * made, when a secret is sealed or opened for the first time.
 */
export function openSecretBox(environment: NodeJS.ProcessEnv, dataHome: () => string): SecretBox {
  const given = environment['WHYDROP_SECRET_KEY'];
  if (given !== undefined && given !== '') {
    const keys = given.split(',').map((text) => parseKey(text, 'WHYDROP_SECRET_KEY'));
    return secretBox(keys as [Buffer, ...Buffer[]]);
  }
  let box: SecretBox | undefined;
  const opened = () => (box ??= secretBox([keyFile(dataHome())]));
  return {
    seal: (text, context) => opened().seal(text, context),
    open: (sealed, context) => opened().open(sealed, context),
  };
}
