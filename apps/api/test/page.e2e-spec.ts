import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createToken } from '@whydrop/storage';
import { chromium, type Browser, type Page } from 'playwright-core';
import type { RunningApi } from '../src/start.js';
import { openTestApi } from './api.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';
import { storeMany, storeStory, storeWindows, T0 } from './story.js';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const ROOT = path.resolve(import.meta.dirname, '../../..');
const found = existsSync(CHROMIUM);

if (!found) {
  const missing = `the page was not tested: ${CHROMIUM} is missing (apt-get install chromium)`;
  if (process.env['CI']) it('has a browser', () => expect(missing).toBe(''));
  else {
    process.stderr.write(`${missing}\n`);
    it('is left out without a browser', () => expect(found).toBe(false));
  }
}

/** Folder for screenshots that a person can look at; none are kept when it is not named. */
const SCREENSHOTS = process.env['SCREENSHOTS'];

(found ? describe : () => undefined)('the page', () => {
  let db: OpenTestDatabase;
  let api: RunningApi;
  let browser: Browser;
  let token: string;
  const webRoot = mkdtempSync(path.join(tmpdir(), 'whydrop-page-'));
  const problems: string[] = [];

  beforeAll(async () => {
    const vite = path.join(ROOT, 'node_modules/vite/bin/vite.js');
    execFileSync(
      process.execPath,
      [vite, 'build', 'apps/web', '--outDir', webRoot, '--emptyOutDir', '--logLevel', 'error'],
      { cwd: ROOT },
    );
    db = await openTestDatabase();
    await storeStory(db);
    await storeMany(db, 120);
    // seen from 14:00 to 14:30; now it is 15:02
    await storeWindows(db, { from: 840, minutes: 30 });
    token = (await createToken(db, { name: 'reader', role: 'viewer' })).text;
    const now = () => T0 / 1000 + 3_600_000;
    api = await openTestApi(db, { webRoot, now });
    const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    browser = await chromium.launch({ executablePath: CHROMIUM, args: [...asRoot, '--disable-dev-shm-usage'] });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await api?.close();
    await db?.drop();
    rmSync(webRoot, { recursive: true, force: true });
  });

  interface Look {
    readonly address?: string;
    readonly width?: number;
    readonly height?: number;
    readonly dark?: boolean;
  }

  /** Opens the page in a browser of its own; whatever it loads from elsewhere, or complains about, is a problem. */
  async function open({ address = '/', width = 1280, height = 800, dark = false }: Look = {}): Promise<Page> {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: dark ? 'dark' : 'light',
      locale: 'en-GB',
    });
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of 40[13]/.test(message.text())) problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol !== 'data:' && origin !== api.url) problems.push(`loads ${request.url()}`);
    });
    await page.goto(api.url + address);
    return page;
  }

  async function shoot(page: Page, name: string): Promise<void> {
    if (SCREENSHOTS !== undefined) await page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`) });
  }

  const rows = (page: Page) => page.locator('.row');
  const texts = async (page: Page, selector: string) =>
    (await page.locator(selector).allInnerTexts()).map((text) => text.trim());

  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    expect(problems.splice(0)).toEqual([]);
  });

  it('asks for a token once, says when it is refused, and keeps a good one', async () => {
    const page = await open();
    await shoot(page, 'token');
    await page.getByLabel('Token').fill('whd_wrong');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('alert').innerText()).toContain('not known');
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Open' }).click();
    await rows(page).first().waitFor();
    await page.reload();
    await rows(page).first().waitFor();
  });

  it('takes a token from the address and takes it out of there', async () => {
    const page = await open({ address: `/?text=client2#token=${token}` });
    await rows(page).first().waitFor();
    expect(page.url()).toBe(`${api.url}/?text=client2`);
    expect(await rows(page).count()).toBe(1);
  });

  it('lists groups with their sentence; a click explains', async () => {
    const page = await open({ address: `/?namespace=dev#token=${token}` });
    await rows(page).first().waitFor();
    expect(await rows(page).count()).toBe(4);
    await shoot(page, 'groups');
    const row = rows(page).filter({ hasText: 'client2-dev' });
    expect(await row.innerText()).toContain(
      'Policy dev/policy1 isolates it; its closest rule, ingress[0].from[2], wants app=client1-dev',
    );
    expect(await row.innerText()).toContain('4 connections');
    await row.click();
    const detail = page.getByRole('article', { name: 'Explanation' });
    await detail.getByText('nearest miss').waitFor();
    await page.setViewportSize({ width: 1280, height: 1700 });
    await shoot(page, 'explanation');
    expect(await detail.locator('.sentence').innerText()).toMatch(
      /^client2-dev -> webserver-dev:80\/TCP was dropped on ingress/,
    );
    expect(await texts(page, '.policies strong')).toEqual(['dev/policy1']);
    expect(await texts(page, '.misses code')).toEqual([
      'ingress[0].from[2]',
      'app=client1-dev',
      'app=client2-dev',
      'ingress[0].from[1]',
      'project=jtac',
      'no label project',
      'any',
      'other namespace',
    ]);
    expect(await texts(page, '.path code')).toEqual(['10.47.255.231:41003', '10.96.0.10:8000', '10.47.255.234:80']);
    expect(await detail.locator('.rules').innerText()).toContain('Drop if no policies passed packet');
    expect(await detail.locator('.evidence pre').innerText()).toMatch(
      /^\[NFLOG\] IN=eth0 OUT=cali1f79f9e08f2 SRC=10\.47\.255\.231/,
    );
    expect(await detail.locator('.evidence').innerText()).toContain('rule 6 went from 0 to 3 packets');
    expect(await detail.locator('.findings').innerText()).toContain('differ by one character');
    expect(await detail.innerText()).toContain('The set cali40s:abc held the addresses');
    await page.keyboard.press('Escape');
    await detail.waitFor({ state: 'detached' });
    await page.goBack();
    await detail.waitFor();
  });

  it('shows what is not known of a connection that no rule stopped', async () => {
    const page = await open({ address: `/?mode=drops&failed=true&cause=PORT_CLOSED#token=${token}` });
    await rows(page).first().click();
    const detail = page.getByRole('article', { name: 'Explanation' });
    await detail.getByText('whether the pod listened at that time').waitFor();
    expect(await detail.innerText()).toContain('port closed: nothing listened at the destination port');
    expect(await detail.getByText('Why no rule admits it').count()).toBe(0);
  });

  it('filters by cause, namespace, text and time, and says so in its address', async () => {
    const page = await open({ address: `/#token=${token}` });
    await rows(page).first().waitFor();
    await page.getByLabel('Namespace').fill('qa');
    await page.waitForURL(/namespace=qa/);
    await expectCount(page, 2);
    await page.getByLabel('Text').fill('policy2');
    await page.getByText('Nothing fits this filter').waitFor();
    await page.getByLabel('Namespace').fill('');
    await expectCount(page, 1);
    await page.getByLabel('Text').fill('');
    await page.getByLabel('Cause').selectOption('PORT_CLOSED');
    await page.waitForURL(/cause=PORT_CLOSED/);
    await expectCount(page, 1);
    await page.getByLabel('Time').selectOption('15m');
    await page.getByText('Nothing fits this filter in the last 15 minutes.').waitFor();
    await page.getByRole('button', { name: 'Look at all time' }).click();
    await expectCount(page, 1);
    expect(page.url()).toBe(`${api.url}/?last=all&cause=PORT_CLOSED`);
  });

  /** Waits until the list has that many rows and keeps them: while it asks anew it shows the old ones, then none. */
  async function expectCount(page: Page, wanted: number): Promise<void> {
    let steady = 0;
    for (let tries = 0; tries < 200 && steady < 8; tries++) {
      steady = (await rows(page).count()) === wanted ? steady + 1 : 0;
      await page.waitForTimeout(50);
    }
    expect(steady === 8 ? wanted : await rows(page).count()).toBe(wanted);
  }

  it('draws how much was blocked over time, with gaps where nobody was looking', async () => {
    const page = await open({ address: `/?namespace=dev&last=1h#token=${token}` });
    const chart = page.getByRole('img', { name: 'Trend of blocked connections' });
    await chart.waitFor();
    await shoot(page, 'trend');
    const bars = async () => page.locator('.chart .bar').count();
    const caption = () => page.locator('figcaption').innerText();
    // Minute by minute; behind the half hour in which the cluster was seen nobody was looking.
    expect(await caption()).toMatch(
      /^127 blocked connections, most at 20 Nov 14:\d\d: \d+; nobody was looking in \d+ of 61 intervals\.$/,
    );
    expect(await bars()).toBeGreaterThan(3);
    const gaps = await page.locator('.chart .gap').count();
    expect(await caption()).toContain(`nobody was looking in ${gaps} of`);
    expect(gaps).toBeGreaterThanOrEqual(30);
    const told = await chart.getAttribute('aria-describedby');
    expect(await page.locator(`[id="${told}"]`).innerText()).toBe(await caption());
    expect(await chart.locator('.bucket title').first().textContent()).toMatch(/^20 Nov 14:02: /);

    const before = await bars();
    await page.getByLabel('Text').fill('policy2');
    await page.getByText(/^1 blocked connection, most at/).waitFor();
    expect(await bars()).toBe(1);
    expect(before).toBeGreaterThan(1);
    await page.getByLabel('Text').fill('');
    await page.getByLabel('also failed').check();
    await page.getByText(/^128 blocked or failed connections/).waitFor();
    await page.getByLabel('also failed').uncheck();
    await page.getByLabel('Time').selectOption('15m');
    await page.getByText('Nobody was looking in this time.').waitFor();
    await page.getByLabel('Time').selectOption('all');
    await page.getByText(/^127 blocked connections/).waitFor();
  });

  it('finds words in the sentences of drops, and loads more on demand', async () => {
    const page = await open({ address: `/?mode=drops#token=${token}` });
    await expectCount(page, 50);
    await page.getByRole('button', { name: 'Show more' }).click();
    await expectCount(page, 100);
    await page.getByRole('button', { name: 'Show more' }).click();
    await expectCount(page, 127);
    expect(await page.getByRole('button', { name: 'Show more' }).count()).toBe(0);
    await page.getByLabel('Text').fill('ADMITS app=webserver');
    await expectCount(page, 1);
  });

  it.each([
    ['phone', { width: 390, height: 844 }],
    ['phone-dark', { width: 390, height: 844, dark: true }],
    ['desktop-dark', { dark: true }],
  ])('is readable: %s', async (name, look) => {
    const page = await open({ ...look, address: `/?namespace=dev#token=${token}` });
    await rows(page).first().waitFor();
    await shoot(page, `${name}-groups`);
    await rows(page).filter({ hasText: 'client2-dev' }).click();
    await page.getByText('nearest miss').waitFor();
    await shoot(page, `${name}-explanation`);
    const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    expect(overflow).toBe(0);
  });

  it('is served so that it may load nothing from elsewhere, and API paths are not swallowed', async () => {
    const page = await fetch(api.url);
    expect(page.headers.get('content-security-policy')).toContain(`default-src 'none'`);
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const script = /src="([^"]+\.js)"/.exec(await page.text())?.[1] ?? '';
    expect((await fetch(api.url + script)).headers.get('cache-control')).toContain('immutable');
    expect((await fetch(`${api.url}/nothing`)).status).toBe(404);
  });
});
