// A Whydrop of its own, with the demo's stories and the shop's: everything embedded, in a folder that is removed afterwards.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeStory } from './story.mjs';

const PROGRAM = process.env.WHYDROP ?? path.resolve(import.meta.dirname, '../../../bin/whydrop');
const START_MS = 120_000;

function run(args, env) {
  return new Promise((resolve, reject) => {
    let said = '';
    const child = spawn(process.execPath, [PROGRAM, ...args], { env });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
    child.once('exit', (code) =>
      code === 0 ? resolve(said) : reject(new Error(`whydrop ${args[0]} failed:\n${said}`)),
    );
  });
}

/** Waits for what the demo says when its stories are in. */
function whenUp(child) {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(
      () => reject(new Error(`Whydrop is not up after ${START_MS / 1000} s:\n${said}`)),
      START_MS,
    );
    child.once('exit', () => reject(new Error(`Whydrop ended:\n${said}`)));
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        said += text;
        if (!said.includes('Ctrl-C')) return;
        clearTimeout(timer);
        resolve();
      });
    }
  });
}

export async function ask({ url, token }, query, variables = {}) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const answer = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(errors[0].message);
  return data;
}

/** A rule that the shop's drops break, so that there are annotations; waits for its alert. */
async function raiseAlert(server) {
  const input = {
    name: 'PaymentsBlocked',
    kind: 'THRESHOLD',
    threshold: 10,
    window: '10m',
    groupBy: ['POLICIES'],
    severity: 'WARNING',
    summary: 'payments turns connections away',
  };
  const create = `mutation($input: AlertRuleInput!) { createAlertRule(input: $input) { userErrors { message } } }`;
  const { createAlertRule } = await ask(server, create, { input });
  if (createAlertRule.userErrors.length > 0) throw new Error(createAlertRule.userErrors[0].message);
  for (let i = 0; i < 60; i++) {
    const { alerts } = await ask(server, '{ alerts { nodes { rule } } }');
    if (alerts.nodes.length > 0) return;
    await sleep(500);
  }
  throw new Error('no alert after 30 s');
}

/** Starts it; `stop` ends it and removes its data. */
export async function startWhydrop() {
  const folder = mkdtempSync(path.join(tmpdir(), 'whydrop-grafana-'));
  // For root PostgreSQL is run by another user, who must be able to enter.
  chmodSync(folder, 0o755);
  const env = { ...process.env, WHYDROP_DATA: path.join(folder, 'data') };
  const child = spawn(process.execPath, [PROGRAM, 'demo', '--port', '0'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = async () => {
    const ended = child.exitCode === null ? new Promise((resolve) => child.once('exit', resolve)) : undefined;
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await whenUp(child);
    const { url, token } = JSON.parse(readFileSync(path.join(folder, 'data', 'server.json'), 'utf8'));
    const story = writeStory(path.join(folder, 'story'), Date.now());
    await run(['import', path.join(folder, 'story'), '--url', url, '--token', token], env);
    const said = await run(['token', 'create', '--name', 'grafana', '--role', 'viewer'], env);
    const viewer = /whd_\w+/.exec(said)?.[0];
    if (!viewer) throw new Error(`no token in: ${said}`);
    await raiseAlert({ url, token });
    return { url, token: viewer, story, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
