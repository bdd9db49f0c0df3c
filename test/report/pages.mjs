// The pages in the folder given, each as a validator, a desk, a phone and the dark see
// it: valid HTML, nothing wider than the screen, no script that runs, nothing fetched.
// Leaves a screenshot of each beside it. Prints TAP.

import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { HtmlValidate } from 'html-validate';
import { chromium } from 'playwright-core';

const folder = process.env.PAGES;
const pages = (await readdir(folder)).filter((name) => name.endsWith('.html')).sort();
const validator = new HtmlValidate({
  extends: ['html-validate:recommended'],
  // style, not validity: the page is well-formed XML, too, and has its style within
  rules: { 'void-style': 'off', 'no-inline-style': 'off', 'long-title': 'off', 'doctype-style': 'off' },
});
const looks = {
  desk: { viewport: { width: 1200, height: 900 }, colorScheme: 'light' },
  dark: { viewport: { width: 1200, height: 900 }, colorScheme: 'dark' },
  phone: { viewport: { width: 360, height: 740 }, colorScheme: 'light', deviceScaleFactor: 2 },
};

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
test.after(() => browser.close());
assert.ok(pages.length > 0, 'there are pages');

for (const name of pages) {
  test(`${name} is valid HTML`, async () => {
    const report = await validator.validateString(await readFile(join(folder, name), 'utf8'));
    assert.deepEqual(report.results.flatMap((r) => r.messages.map((m) => `${m.line}:${m.column} ${m.ruleId}: ${m.message}`)), []);
  });
  for (const [look, options] of Object.entries(looks)) {
    test(`${name} on ${look}`, async () => {
      const context = await browser.newContext(options);
      const page = await context.newPage();
      const noticed = [];
      const address = `file://${join(folder, name)}`;
      page.on('dialog', (dialog) => { noticed.push('a dialog'); dialog.dismiss(); });
      page.on('console', (message) => noticed.push(message.text()));
      page.on('pageerror', (error) => noticed.push(String(error)));
      page.on('request', (request) => { if (request.url() !== address) noticed.push(request.url()); });
      await page.goto(address);
      const seen = await page.evaluate(() => ({
        wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        scripts: document.scripts.length,
        headings: document.querySelectorAll('h2').length,
        ink: getComputedStyle(document.body).color,
        paper: getComputedStyle(document.body).backgroundColor,
        clipped: [...document.querySelectorAll('svg text')].filter((text) => {
          const own = text.getBoundingClientRect(), whole = text.ownerSVGElement.getBoundingClientRect();
          return own.left < whole.left - 1 || own.right > whole.right + 1 || own.bottom > whole.bottom + 1;
        }).map((text) => text.textContent),
      }));
      await page.screenshot({ path: join(folder, `${name}.${look}.png`), fullPage: true });
      await context.close();
      assert.deepEqual(noticed, []);
      assert.equal(seen.wide, 0, 'nothing is wider than the screen');
      assert.equal(seen.scripts, 0);
      assert.equal(seen.headings, 7);
      assert.deepEqual(seen.clipped, [], 'no label is cut off');
      const light = (color) => color.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) > 384;
      assert.equal(light(seen.paper), look !== 'dark');
      assert.equal(light(seen.ink), look === 'dark');
    });
  }
}
