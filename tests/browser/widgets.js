// What the tests of the widgets share: the book with a page of fixtures, and a browser.

import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { Book, PROJECT } from "./book.js";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("playwright-core").BrowserContextOptions} Options */

export const THEMES = /** @type {const} */ (["light", "rust", "coal", "navy", "ayu"]);
export const DESK = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };
export const SCREENSHOTS = join(PROJECT, "target/screenshots");

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

  static async start() {
    const book = await Book.serve((folder) => {
      const here = join(import.meta.dirname, "fixtures");
      cpSync(join(here, "widgets.md"), join(folder, "src/widgets.md"));
      cpSync(join(here, "widgets.toml"), join(folder, "src/widgets/recall.toml"));
      const summary = join(folder, "src/SUMMARY.md");
      writeFileSync(summary, readFileSync(summary, "utf8").replace("\n---", "- [Widgets](widgets.md)\n\n---"));
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
      await body(page);
    } finally {
      await context.close();
    }
    if (wrong.length > 0) {
      throw new Error(`script errors: ${wrong.join("; ")}`);
    }
  }
}
