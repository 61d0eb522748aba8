// The plugin as it was built, loaded by a page of Grafana's real libraries in Chromium, drawing what a running Whydrop
// answers. Ends with 1 and says what is not as it should be.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { startStandIn } from './proxy.mjs';
import { startWhydrop } from './whydrop.mjs';

const HERE = import.meta.dirname;
const PLUGIN = path.resolve(HERE, '..');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const PICTURE = process.env.PICTURE;
const UID = 'whydrop';
const DENY = 'NetworkPolicy/payments/default-deny';
const NONE = 'NetworkPolicy/payments/no-such-policy';

function build(what, ...args) {
  console.log(`building ${what}`);
  const { status, stdout } = spawnSync('npx', ['webpack', ...args], { cwd: PLUGIN, encoding: 'utf8' });
  assert.equal(status, 0, stdout);
}

/** The page takes half a minute to build: it is built anew when a file of it, or a library, is newer. */
function isHostStale() {
  const page = path.join(HERE, 'dist/host.js');
  const sources = readdirSync(HERE).filter((name) => /\.(tsx?|cjs)$/.test(name));
  const files = [...sources.map((name) => path.join(HERE, name)), path.join(PLUGIN, 'package-lock.json')];
  return !existsSync(page) || files.some((file) => statSync(file).mtimeMs > statSync(page).mtimeMs);
}

const readJson = (file) => JSON.parse(readFileSync(path.join(PLUGIN, 'dist', file), 'utf8'));

function check(result, story, seen, secret) {
  const panel = (title) => result.panels.find((one) => one.title.startsWith(title)) ?? assert.fail(`no panel ${title}`);
  assert.equal(result.health.status, 'success', result.health.message);
  for (const { title, errors, rows } of result.panels) {
    assert.deepEqual(errors, [], title);
    assert.ok(
      rows.some((n) => n > 0),
      `${title}: empty`,
    );
  }
  // A series per namespace whose policy decided, each with all of its drops: nothing is lost on the way to the picture.
  const expected = {
    payments: story.drops['shop>payments'] + story.drops['monitoring>payments'],
    shop: story.drops['monitoring>shop'],
  };
  const trend = panel('Blocked connections by namespace').series;
  for (const [namespace, drops] of Object.entries(expected)) {
    const series = trend.find(({ labels }) => labels.namespace === namespace) ?? assert.fail(`no series ${namespace}`);
    assert.equal(series.sum, drops, `drops of ${namespace}`);
  }
  assert.deepEqual(panel('Why').types, ['log-lines']);
  assert.equal(panel('Who').rows.length, 2, 'a node graph has two frames');
  assert.deepEqual(result.alerts.errors, []);
  assert.ok(result.alerts.titles.includes('PaymentsBlocked'), 'the alert is an annotation');
  assert.ok(
    result.alerts.times.every((time) => time >= story.from && time <= Date.now()),
    'an annotation stands where its alert began',
  );
  const says = result.alerts.texts.some((text) => text.startsWith('payments turns connections away\n'));
  assert.ok(says, `an annotation says what its alert says: ${result.alerts.texts}`);
  const { [DENY]: ofDeny, [NONE]: ofNone } = result.alerts.of;
  assert.ok(ofDeny > 0 && ofDeny < result.alerts.titles.length, 'alerts of a policy');
  assert.equal(ofNone, 0, 'alerts of a policy that has none');
  assert.ok(result.offered.NAMESPACE.includes('payments'), 'variable: namespaces');
  assert.ok(result.offered.POLICY.includes(DENY), 'variable: policies');
  assert.ok(seen.length > 0 && seen.every(({ method, path: asked }) => method === 'POST' && asked === 'gql/graphql'));
  assert.ok(!seen.some(({ headers }) => JSON.stringify(headers).includes(secret)), 'the browser never has the token');
}

async function drawn(page) {
  const panel = page.locator('[data-panel="Blocked connections by namespace"]');
  await panel.locator('canvas').first().waitFor({ timeout: 20_000 });
  for (const name of ['payments', 'shop']) await panel.getByText(name, { exact: true }).first().waitFor();
  // A line was drawn: the canvas has pixels that are neither white nor grey.
  const coloured = await panel
    .locator('canvas')
    .first()
    .evaluate((canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let i = 0; i < data.length; i += 4) {
        const spread = Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]);
        if (data[i + 3] > 128 && spread > 60) count++;
      }
      return count;
    });
  assert.ok(coloured > 200, `only ${coloured} coloured pixels: no line`);
  await page.getByText('NetworkPolicy/payments/default-deny').first().waitFor();
  await page.locator('[data-editor=query]').getByLabel('Show').waitFor();
  assert.equal(await page.locator('[data-editor=query]').getByLabel('Show').inputValue(), 'Trend');
  await page.locator('[data-editor=config]').getByLabel('Address of the API').waitFor();
  return coloured;
}

async function prove(whydrop, browser) {
  const { routes } = readJson('plugin.json');
  const { panels } = readJson('dashboards/overview.json');
  const seen = [];
  const jsonData = { url: whydrop.url, pageUrl: 'https://whydrop.example.org/' };
  const module = '/public/plugins/whydrop-drops-datasource/module.js';
  const standIn = await startStandIn({
    files: {
      '/': path.join(HERE, 'page.html'),
      '/host.js': path.join(HERE, 'dist/host.js'),
      '/uplot.css': path.join(PLUGIN, 'node_modules/uplot/dist/uPlot.min.css'),
      [module]: path.join(PLUGIN, 'dist/module.js'),
    },
    routes,
    source: { uid: UID, jsonData, secureJsonData: { apiToken: whydrop.token } },
    seen: (request) => seen.push(request),
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, timezoneId: 'UTC' });
    const faults = [];
    page.on('pageerror', (error) => faults.push(error.message));
    await page.goto(standIn.url);
    const { from, to } = whydrop.story;
    const choices = { datasource: [UID], cluster: ['shop'], namespace: ['payments', 'shop', 'monitoring'] };
    const task = {
      plugin: module,
      uid: UID,
      jsonData,
      from: from - 5 * 60_000,
      to: to + 5 * 60_000,
      choices,
      panels,
      policies: [DENY, NONE],
    };
    const result = await page.evaluate((given) => window.run(given), task);
    console.log(`module.js asked for ${result.asked.join(', ')}`);
    console.log(result.health.message);
    for (const { title, rows, series } of result.panels) {
      console.log(
        `${title}: rows ${rows.join(' + ')}; ${series
          .slice(0, 3)
          .map(({ name, sum }) => `${name} ${sum}`)
          .join(', ')}`,
      );
    }
    check(result, whydrop.story, seen, whydrop.token);
    console.log(`drawn: ${await drawn(page)} coloured pixels in the trend`);
    assert.deepEqual(faults, []);
    if (PICTURE) {
      mkdirSync(path.dirname(PICTURE), { recursive: true });
      await page.screenshot({ path: PICTURE, fullPage: true });
    }
  } finally {
    await standIn.stop();
  }
}

assert.ok(existsSync(CHROMIUM), `no ${CHROMIUM}: apt-get install chromium, or CHROMIUM=…`);
build('the plugin', '--mode', 'production');
if (isHostStale()) build('the host page', '-c', 'host/webpack.config.cjs');
const whydrop = await startWhydrop();
try {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--force-color-profile=srgb'],
  });
  try {
    await prove(whydrop, browser);
  } finally {
    await browser.close();
  }
} finally {
  await whydrop.stop();
}
console.log('the plugin loads and draws');
