/// <reference lib="dom" />
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { newPage, startChromium } from '../chromium.ts';
import type { Served } from './environment.ts';

const WINDOW = { width: 1440, height: 900 };
/** `PICTURES=docs/images` puts the documentation's pictures there. */
const { PICTURES } = process.env;

type Look = Parameters<Browser['newPage']>[0];

/** Looks at pictures with a browser. */
export type Viewer = {
  /** A page of the gateway at that URL: this host, and what the link says besides. */
  open(served: Served, query?: string, look?: Look, url?: string): Promise<Page>;
  /** The same once the host is drawn. */
  openDrawn(served: Served, query?: string, look?: Look, url?: string): Promise<Page>;
  /** Keep a picture of the page for a person to look at. */
  picture(page: Page, name: string): Promise<void>;
  /** Errors of all pages, and requests to any other host than the gateway. */
  complaints(): string[];
  closePages(): Promise<void>;
  close(): Promise<void>;
};

/** Undefined where there is no Chromium. */
export async function startViewer(): Promise<Viewer | undefined> {
  const browser = await startChromium();
  if (browser === undefined) return undefined;
  // The same at each run, so that they do not pile up.
  const folder = join(tmpdir(), 'networking-zvm-pictures');
  await mkdir(folder, { recursive: true });
  const pages: Page[] = [];
  const complaints: string[] = [];
  const open: Viewer['open'] = async (served, query = '', look = {}, url = served.gateway.url) => {
    const page = await newPage(browser, { viewport: WINDOW, ...look });
    pages.push(page);
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (origin !== url && protocol !== 'data:') complaints.push(`asked ${origin}`);
    });
    await page.goto(`${url}/?host=${served.host}${query}`);
    return page;
  };
  return {
    open,
    async openDrawn(...given) {
      const page = await open(...given);
      await page.locator('#waiting').waitFor({ state: 'hidden' });
      return page;
    },
    async picture(page, name) {
      await page.screenshot({ path: join(folder, `${name}.png`) });
      if (PICTURES === undefined || !['small', 'large'].includes(name)) return;
      await mkdir(PICTURES, { recursive: true });
      // Hosts of tests have names of their own, since they share a Temporal server.
      await page.locator('#host option').evaluate((option) => option.replaceChildren('zvm1'));
      await page.locator('#detail h2').evaluate((title) => title.replaceChildren('z/VM system zvm1'));
      await page.screenshot({ path: join(PICTURES, `picture-${name}.png`) });
    },
    complaints: () => complaints,
    async closePages() {
      for (const page of pages.splice(0)) await page.close();
    },
    async close() {
      await browser.close();
      process.stderr.write(`Pictures are in ${folder}\n`);
    },
  };
}

export const colours = (shapes: Locator, property: 'stroke' | 'fill') =>
  shapes.evaluateAll((nodes, name) => nodes.map((node) => getComputedStyle(node).getPropertyValue(name)), property);

/** The wire of a NIC: `.strand` are its lines. */
export const wire = (page: Page, userid: string, vdev: string) =>
  page.locator(`.wire[data-owner="${userid}"][data-vdev="${vdev}"]`);
export const end = (page: Page, userid: string, vdev: string) =>
  page.locator(`.end[data-owner="${userid}"][data-vdev="${vdev}"]`);

/** Where the buses are, by VSWITCH. */
export const busAt = async (page: Page, vswitch: string) => {
  const box = await page.locator(`[data-vswitch="${vswitch}"] .bus`).boundingBox();
  return (box?.x ?? Number.NaN) + (box?.width ?? 0) / 2;
};

export const spread = async (shapes: Locator) => {
  const boxes = await Promise.all((await shapes.all()).map((shape) => shape.boundingBox()));
  return boxes.flatMap((box) => (box === null ? [] : [{ left: box.x, right: box.x + box.width }]));
};
