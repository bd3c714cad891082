// What the tests of the widgets share: the book with a page of fixtures, and a browser.

import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { Book, PROJECT } from "./book.js";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("playwright-core").BrowserContextOptions} Options */

export const THEMES = /** @type {const} */ (["light", "rust", "coal", "navy", "ayu"]);
export const DESK = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };
export const SCREENSHOTS = join(PROJECT, "target/screenshots");
/** Every page of the book, in its order. */
export const PAGES = [...readFileSync(join(PROJECT, "src/SUMMARY.md"), "utf8").matchAll(/\]\((.+)\.md\)/g)].map(
  ([, page]) => `${page}.html`,
);

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const BROWSERS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Why the tests cannot run here, or null. */
export function missing() {
  const executablePath = process.env.CHROMIUM ?? BROWSERS.find((path) => existsSync(path));
  if (executablePath && existsSync(executablePath)) {
    return null;
  }
  const what = "no Chromium (install the package chromium, or name one in CHROMIUM)";
  if ((process.env.COURSE_REQUIRE ?? "").split(",").includes("chromium")) {
    throw new Error(what);
  }
  return what;
}

/** The book with the page `widgets.html`, and a browser for it. */
export class Lab {
  /**
   * @param {Book} book
   * @param {import("playwright-core").Browser} browser
   */
  constructor(book, browser) {
    this.book = book;
    this.browser = browser;
    this.source = join(book.folder, "src/widgets.md");
  }

  /** @param {string[]} more names of further fixtures: `fixtures/streams.md` becomes the page `streams.html` */
  static async start(...more) {
    const book = await Book.serve((folder) => {
      const here = join(import.meta.dirname, "fixtures");
      const summary = join(folder, "src/SUMMARY.md");
      let pages = "- [Widgets](widgets.md)\n";
      for (const name of more) {
        pages += `- [Fixture](${name}.md)\n`;
        cpSync(join(here, `${name}.md`), join(folder, `src/${name}.md`));
      }
      cpSync(join(here, "widgets.md"), join(folder, "src/widgets.md"));
      cpSync(join(here, "widgets.toml"), join(folder, "src/widgets/recall.toml"));
      writeFileSync(summary, readFileSync(summary, "utf8").replace("\n---", `${pages}\n---`));
    });
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? BROWSERS.find((path) => existsSync(path)),
      args: [...(process.getuid?.() === 0 ? ["--no-sandbox"] : []), "--disable-gpu", "--no-first-run", "--disable-background-networking"],
    });
    mkdirSync(SCREENSHOTS, { recursive: true });
    return new Lab(book, browser);
  }

  async stop() {
    await this.browser.close();
    await this.book.stop();
  }

  /**
   * Opens a page in a fresh profile, and fails if a script failed meanwhile.
   *
   * @param {string} path
   * @param {(page: Page) => Promise<void>} body
   * @param {Options & { theme?: string, forcedColors?: "active" }} [options]
   */
  async open(path, body, { theme, ...options } = {}) {
    const context = await this.browser.newContext({ viewport: DESK, reducedMotion: "reduce", ...options });
    /** @type {string[]} */
    const wrong = [];
    try {
      if (theme) {
        await context.addInitScript((name) => localStorage.setItem("mdbook-theme", name), theme);
      }
      const page = await context.newPage();
      page.setDefaultTimeout(15_000);
      page.on("pageerror", (error) => wrong.push(error.message));
      await page.goto(`${this.book.address}/${path}`, { waitUntil: "load" });
      await page.evaluate(() => document.fonts.ready.then(() => undefined));
      if (options.javaScriptEnabled !== false) {
        // A page loads the modules of its elements by itself, and is complete before they are.
        await page.waitForFunction(() => document.querySelector("main :not(:defined)") === null);
      }
      await body(page);
    } finally {
      await context.close();
    }
    if (wrong.length > 0) {
      throw new Error(`script errors: ${wrong.join("; ")}`);
    }
  }
}

/**
 * Adds up how far the next page moves by itself.
 *
 * @param {Page} page
 */
export async function watchShifts(page) {
  await page.addInitScript(() => {
    const shifts = { sum: 0 };
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        shifts.sum += /** @type {any} */ (entry).value;
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
}

/**
 * @param {Page} page
 * @returns {Promise<number>}
 */
export async function shifts(page) {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  return page.evaluate(() => /** @type {any} */ (window).shifts.sum);
}

/**
 * Asserts that a page hardly moves while it loads.
 *
 * @param {Lab} lab
 * @param {string} path
 * @param {{ width: number, height: number }} viewport
 * @param {import("node:test").TestContext} t
 */
export async function staysStill(lab, path, viewport, t) {
  await lab.open(
    "404.html",
    async (page) => {
      await watchShifts(page);
      await page.goto(`${lab.book.address}/${path}`, { waitUntil: "networkidle" });
      await page.evaluate(() => document.fonts.ready.then(() => undefined));
      const sum = await shifts(page);
      t.diagnostic(`${path}, ${viewport.width} px: ${sum.toFixed(4)}`);
      assert.ok(sum < 0.1, `${path}, ${viewport.width} px: a layout shift of ${sum}`);
    },
    { viewport },
  );
}

/**
 * What axe finds in the page's text, by these rules or by all. Of two themes that differ in colors only, one needs all.
 *
 * @param {Page} page
 * @param {string[]} [rules]
 * @returns {Promise<string[]>}
 */
export async function violations(page, rules) {
  await page.addScriptTag({ content: AXE });
  return page.evaluate(async (runOnly) => {
    // @ts-ignore axe is what the script above defines
    const found = await axe.run("main", { resultTypes: ["violations"], preload: false, ...(runOnly && { runOnly }) });
    return found.violations.flatMap((/** @type {any} */ rule) =>
      rule.nodes.map((/** @type {any} */ node) => `${rule.id}: ${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`),
    );
  }, rules);
}
