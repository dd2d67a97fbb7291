import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { ensurePackages } from '../demo/openstack/packages.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const DEBIAN = { chromium: '/usr/bin/chromium' };

/** The machine's Chromium, headless; Debian's is installed where that may be done. Undefined, and loudly so, where there is none. */
export async function startChromium(): Promise<Browser | undefined> {
  const executablePath = installed() ?? (await install());
  if (executablePath === undefined) {
    process.stderr.write(
      'SKIPPED: no Chromium here, and it may not be installed; CHROMIUM=/path/to/chromium names one\n',
    );
    return undefined;
  }
  // Its sandbox does not run as root.
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}

/** A new page that gives what it waits for as long as polls have, on a loaded machine too. */
export async function newPage(browser: Browser, look: Parameters<Browser['newPage']>[0]): Promise<Page> {
  const page = await browser.newPage(look);
  page.setDefaultTimeout(90_000);
  return page;
}

function installed(): string | undefined {
  const { CHROMIUM, PATH = '' } = process.env;
  if (CHROMIUM !== undefined) return CHROMIUM;
  return PATH.split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((file) => existsSync(file));
}

async function install(): Promise<string | undefined> {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return undefined;
  await ensurePackages((line) => process.stderr.write(`${line}\n`), DEBIAN);
  return DEBIAN.chromium;
}
