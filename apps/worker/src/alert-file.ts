import { readFile } from 'node:fs/promises';
import { type AlertRule, readRuleFile } from '@whydrop/alerting';

/** Rules of the file that WHYDROP_ALERTS names; none without it. Throws with every mistake's file, line and reason. */
export async function rulesOfFile(environment: NodeJS.ProcessEnv): Promise<readonly AlertRule[]> {
  const file = environment['WHYDROP_ALERTS'];
  if (file === undefined || file === '') return [];
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new Error(`WHYDROP_ALERTS: ${error.message}`);
  });
  const read = readRuleFile(text, file);
  if (read.kind === 'errors') throw new Error(read.errors.join('\n'));
  return read.rules;
}
