import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { InCluster, Surroundings } from './receiver.js';

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The cluster this process runs in, as the kubelet tells every container; undefined outside of one. */
function inCluster(environment: NodeJS.ProcessEnv, account: string): InCluster | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = environment;
  if (host === undefined) return undefined;
  const read = (name: string) => readFileSync(path.join(account, name), 'utf8').trim();
  try {
    const name = host.includes(':') ? `[${host}]` : host;
    return { url: `https://${name}:${port}`, token: read('token'), certificateAuthority: read('ca.crt') };
  } catch {
    return undefined;
  }
}

/** WHYDROP_PUBLIC_URL and the cluster around, where there is one. Throws when the address is none. */
export function surroundingsOf(
  environment: NodeJS.ProcessEnv,
  version: string,
  own?: string,
  account = ACCOUNT,
): Surroundings {
  const given = environment['WHYDROP_PUBLIC_URL'] ?? own;
  if (given !== undefined && !/^https?:\/\/[^/]/.test(given))
    throw new Error(`WHYDROP_PUBLIC_URL is '${given}': it must begin with https:// or http://`);
  return {
    publicUrl: given?.replace(/\/+$/, ''),
    version,
    inCluster: () => inCluster(environment, account),
  };
}
