// Opens the book as readers do: every page, light and dark, on a desk and on a phone, with a keyboard, without JavaScript.
//
//   npm ci && npm test          screenshots go to target/screenshots/
//
// CHROMIUM names the browser (otherwise /usr/bin/chromium and its like), COURSE_BIN a built `course`.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { chromium } from "playwright-core";
import { Book, PROJECT } from "./book.js";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("playwright-core").BrowserContextOptions} Options */

const SCREENSHOTS = join(PROJECT, "target/screenshots");
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const BROWSERS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

const THEMES = /** @type {const} */ (["light", "dark"]);
const SIZES = { desk: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

const executablePath = process.env.CHROMIUM ?? BROWSERS.find((path) => existsSync(path));
if (!executablePath || !existsSync(executablePath)) {
  const what = `no Chromium at ${executablePath ?? BROWSERS[0]} (install the package chromium, or name one in CHROMIUM)`;
  if ((process.env.COURSE_REQUIRE ?? "").split(",").includes("chromium")) {
    console.error(`error: ${what}`);
    process.exit(1);
  }
  console.error(`skipped: the browser tests: ${what}`);
  process.exit(0);
}

const book = await Book.serve();
const browser = await chromium.launch({
  executablePath,
  args: [
    // Its sandbox refuses to run as root, as in a container. The pages are ours and from this machine.
    ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
    ...[
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  ],
});
rmSync(SCREENSHOTS, { recursive: true, force: true });
mkdirSync(SCREENSHOTS, { recursive: true });

let passed = 0;
let failed = 0;

/**
 * Runs one test.
 *
 * @param {string} name
 * @param {() => Promise<void>} body
 */
async function test(name, body) {
  const limit = new AbortController();
  const late = setTimeout(60_000, undefined, { signal: limit.signal, ref: false }).then(() => Promise.reject(new Error("no end in 60 s")));
  try {
    await Promise.race([body(), late]);
    passed += 1;
    console.log(`ok     ${name}`);
  } catch (problem) {
    failed += 1;
    console.log(
      `FAILED ${name}\n       ${String(problem instanceof Error ? problem.message : problem)
        .slice(0, 4000)
        .replaceAll("\n", "\n       ")}`,
    );
  } finally {
    late.catch(() => undefined);
    limit.abort();
  }
}

/**
 * Opens a page, does something with it, and closes it; fails if anything went wrong in the browser meanwhile.
 *
 * @param {string} path
 * @param {(page: Page) => Promise<void>} body
 * @param {Options & { mayBeMissing?: boolean }} [options]
 */
async function open(path, body, { mayBeMissing = false, ...options } = {}) {
  const context = await browser.newContext({ viewport: SIZES.desk, ...options });
  /** @type {string[]} */
  const wrong = [];
  try {
    // mdBook's print page opens the print dialog by itself, and page.pdf cannot print at the same time.
    await context.addInitScript(() => void (window.print = () => {}));
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.on("pageerror", (error) => wrong.push(`script error: ${error.message}`));
    page.on("console", (message) => {
      const expected = mayBeMissing && message.text().includes("404");
      if (["error", "warning"].includes(message.type()) && !expected) {
        wrong.push(`console ${message.type()}: ${message.text()}`);
      }
    });
    page.on("requestfailed", (request) => {
      const why = request.failure()?.errorText;
      // A reload drops what the page before it had asked for.
      if (why !== "net::ERR_ABORTED") {
        wrong.push(`${request.url()}: ${why}`);
      }
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(book.address) && !request.url().startsWith("data:")) {
        wrong.push(`a request to another host: ${request.url()}`);
      }
    });
    page.on("response", (response) => {
      const expected = mayBeMissing && response.request().isNavigationRequest();
      if (response.status() >= 400 && !expected) {
        wrong.push(`${response.url()}: ${response.status()}`);
      }
    });
    await page.goto(`${book.address}/${path}`, { waitUntil: "load" });
    if (options.javaScriptEnabled !== false) {
      // A page loads the modules of its elements by itself, and is complete before they are.
      await page.waitForFunction(() => document.querySelector("main :not(:defined)") === null);
    }
    await page.evaluate(() => document.fonts.ready.then(() => undefined));
    await body(page);
  } finally {
    await context.close();
  }
  assert.deepEqual(wrong, []);
}

/**
 * Nothing makes the page wider than the screen.
 *
 * @param {Page} page
 */
async function fits(page) {
  const wide = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) {
      return [];
    }
    /** @type {(e: Element | null) => boolean} */
    const clipped = (e) => e !== null && (getComputedStyle(e).overflowX !== "visible" || clipped(e.parentElement));
    return [...document.querySelectorAll("main *")]
      .filter((e) => e.getBoundingClientRect().right > width + 1 && !clipped(e.parentElement))
      .map((e) => e.outerHTML.slice(0, 120));
  });
  assert.deepEqual(wide, [], "wider than the screen");
}

/**
 * What assistive technology needs is there: names, roles, contrast. mdBook's own frame around it is not ours to mend.
 *
 * @param {Page} page
 * @param {string[]} [rules] of axe; else all
 */
async function isAccessible(page, rules) {
  await page.addScriptTag({ content: AXE });
  const violations = await page.evaluate(async (runOnly) => {
    // @ts-ignore axe is what the script above defines
    const found = await axe.run("main", {
      resultTypes: ["violations"],
      preload: false, // of style sheets, which no rule here reads
      ...(runOnly && { runOnly }),
      // Experimental: it takes "parent, page 1, holds 20" for a bad name of a button that shows "page 1" and "20".
      rules: { "label-content-name-mismatch": { enabled: false } },
    });
    return found.violations.flatMap((/** @type {any} */ rule) =>
      rule.nodes.map((/** @type {any} */ node) => `${rule.id}: ${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`),
    );
  }, rules);
  assert.deepEqual(violations, []);
}

/** The book's own elements have a hyphen in their names. */
const CUSTOM_ELEMENTS = "xpath=//main//*[contains(name(), '-')]";

// The pages are those that the table of contents links to.
const toc = await (await fetch(`${book.address}/toc.html`)).text();
const pages = [...new Set([...toc.matchAll(/href="([^"#]+\.html)"/g)].map((match) => match[1] ?? ""))];
await test("the table of contents lists the pages", async () => {
  for (const page of ["introduction.html", "memory.html", "instructors.html"]) {
    assert.ok(pages.includes(page), `${page} in ${pages}`);
  }
});

for (const path of pages) {
  for (const theme of THEMES) {
    for (const [size, viewport] of Object.entries(SIZES)) {
      await test(`${path} on a ${size}, ${theme}`, () =>
        open(
          path,
          async (page) => {
            const isDark = await page.evaluate(() => document.documentElement.classList.contains("navy"));
            assert.equal(isDark, theme === "dark", "the theme follows the system's setting");
            assert.notEqual((await page.locator("main").innerText()).trim(), "");
            await page.screenshot({
              path: join(SCREENSHOTS, `${path.replaceAll("/", "-").replace(".html", "")}-${theme}-${size}.png`),
              fullPage: true,
            });
            await fits(page);
            // What isn't color is the same in both themes.
            await isAccessible(page, theme === "light" ? undefined : ["color-contrast"]);
          },
          { viewport, colorScheme: theme, hasTouch: size === "phone" },
        ));
    }
  }

  await test(`${path} without JavaScript`, () =>
    open(
      path,
      async (page) => {
        await page.screenshot({ path: join(SCREENSHOTS, `${path.replace(".html", "")}-without-javascript.png`), fullPage: true });
        assert.notEqual((await page.locator("main").innerText()).trim(), "");
        await fits(page);
        // Each interactive part shows what it enhances.
        for (const part of await page.locator(CUSTOM_ELEMENTS).all()) {
          assert.ok(await part.isVisible());
          assert.notEqual((await part.innerText()).trim(), "", `nothing in ${await part.evaluate((e) => e.outerHTML.slice(0, 80))}`);
        }
        assert.ok(
          await page.frameLocator(".sidebar-iframe-outer").getByRole("link", { name: "Memory" }).first().isVisible(),
          "the table of contents",
        );
      },
      { javaScriptEnabled: false },
    ));

  await test(`${path} by keyboard`, () =>
    open(path, async (page) => {
      // Every control of the page is met by pressing Tab, one radio button standing for its group.
      const expected = await page.evaluate(() => {
        const groups = new Set();
        const controls = [...document.querySelectorAll("main :is(a[href], button, input, select, textarea, summary, [tabindex])")].filter(
          (e) => {
            const control = /** @type {HTMLInputElement} */ (e);
            if (control.disabled || control.tabIndex < 0 || !e.checkVisibility({ visibilityProperty: true })) {
              return false;
            }
            return control.type !== "radio" || (!groups.has(control.name) && Boolean(groups.add(control.name)));
          },
        );
        for (const control of controls) {
          control.setAttribute("data-expected", "");
        }
        document.body.setAttribute("tabindex", "-1");
        document.body.focus();
        return controls.length;
      });
      const limit = expected + 200; // mdBook's own controls, and code that scrolls
      for (let presses = 0; presses < limit; presses += 1) {
        await page.keyboard.press("Tab");
        const isPageEnd = await page.evaluate(() => {
          const control = /** @type {HTMLInputElement | null} */ (document.activeElement);
          control?.removeAttribute("data-expected");
          if (control?.type === "radio") {
            for (const other of document.getElementsByName(control.name)) {
              other.removeAttribute("data-expected");
            }
          }
          return control === document.body;
        });
        if (isPageEnd && presses > 0) {
          break;
        }
      }
      const missed = await page.evaluate(() => [...document.querySelectorAll("[data-expected]")].map((e) => e.outerHTML.slice(0, 120)));
      assert.deepEqual(missed, [], "not reached by Tab");
    }));
}

await test("the search finds a word of a chapter, without any other host", () =>
  open("introduction.html", async (page) => {
    await page.keyboard.press("/");
    await page.getByRole("searchbox").pressSequentially("smaps");
    const first = page.locator("#mdbook-searchresults a").first();
    await first.waitFor();
    assert.match((await first.getAttribute("href")) ?? "", /memory\.html/);
  }));

await test("the page that is not there looks like the book", () =>
  open(
    "deep/nowhere.html",
    async (page) => {
      await page.screenshot({ path: join(SCREENSHOTS, "404.png") });
      assert.equal(await page.locator(".menu-title").innerText(), "Process vs Thread in Python");
      assert.notEqual(await page.locator("body").evaluate((e) => getComputedStyle(e).fontFamily), "", "styled");
    },
    { mayBeMissing: true },
  ));

for (const theme of THEMES) {
  await test(`the whole book in print, ${theme}: black on white, static content in place of interactive`, () =>
    open(
      "print.html",
      async (page) => {
        await page.emulateMedia({ media: "print", colorScheme: theme });
        await page.setViewportSize({ width: 794, height: 1123 }); // A4
        assert.equal(await page.locator("html.navy").count(), theme === "dark" ? 1 : 0);
        await page.screenshot({ path: join(SCREENSHOTS, `print-${theme}.png`), fullPage: true });
        await fits(page);
        const colors = await page.evaluate(() => {
          const ofAll = (/** @type {string} */ selector) =>
            [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility()).map((e) => getComputedStyle(e).color);
          return { text: ofAll("main p, main li, main td, .admonition"), code: ofAll("main pre code, main pre code *") };
        });
        const luminance = (/** @type {string} */ color) => Math.max(...(color.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number));
        assert.ok(colors.text.length > 0 && colors.code.length > 0);
        assert.deepEqual([...new Set(colors.text)], ["rgb(0, 0, 0)"]);
        assert.deepEqual(
          [...new Set(colors.code)].filter((color) => theme === "dark" && luminance(color) > 100),
          [],
        );
        for (const part of await page.locator(CUSTOM_ELEMENTS).all()) {
          assert.equal(await part.locator(".widget button:visible").count(), 0, "no button on paper");
          assert.notEqual((await part.innerText()).trim(), "");
        }
        await page.pdf({ path: join(SCREENSHOTS, `print-${theme}.pdf`), format: "A4" });
      },
      { colorScheme: theme },
    ));
}

await test("an edit shows by itself, no later than after a build and a reload; a broken one leaves the page", () =>
  open("memory.html", async (page) => {
    const chapter = join(book.folder, "src/memory.md");
    const text = readFileSync(chapter, "utf8");
    // What this machine, as busy as it is, needs for the same by hand.
    const built = await book.build();
    const began = performance.now();
    await page.reload();
    const load = performance.now() - began;
    /** @type {number[]} */
    const times = [];
    for (const word of ["first", "second", "third"]) {
      const started = performance.now();
      writeFileSync(chapter, `${text}\n\nThe ${word} edit of a test.\n`);
      await page.getByText(`The ${word} edit of a test.`).waitFor();
      times.push(performance.now() - started);
    }
    console.log(
      `       edit to reloaded page: ${times.map((time) => `${time.toFixed(0)} ms`).join(", ")} (a build: ${built.toFixed(0)} ms, a reload: ${load.toFixed(0)} ms)`,
    );
    assert.ok(Math.min(...times) < 2 * (built + load), "about as long as a build and a reload");

    const complaint = book.complains();
    writeFileSync(chapter, `${text}\n\n{{#no-such-directive}}\n`);
    assert.match(await complaint, /src\/memory\.md:\d+: .*no-such-directive/);
    await page.getByText("The third edit of a test.").waitFor();
    writeFileSync(chapter, `${text}\n\nMended.\n`);
    await page.getByText("Mended.").waitFor();
    writeFileSync(chapter, text);
    await page.getByText("Mended.").waitFor({ state: "detached" });
  }));

await browser.close();
await test("the server ends at Ctrl-C", async () => {
  assert.equal(await book.stop(), 0);
});

console.log(`\nscreenshots: ${SCREENSHOTS}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
