// Every page of the book, as it stands: its colors, its pictures on a phone, what the search finds, and that nothing moves.
//
//   node --test pages.test.js

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { DESK, Lab, PAGES, PHONE, SCREENSHOTS, THEMES, missing, staysStill, violations } from "./widgets.js";

const why = missing();
if (why) {
  console.error(`skipped: the tests of pages: ${why}`);
}

/**
 * The texts of all pictures of the page that are shown: how many there are, and what is wrong with them. Runs in the page.
 */
function strayTexts() {
  const BEARING = 1; // A glyph may reach a little to the left of where its text begins.
  /** @type {string[]} */
  const wrong = [];
  let seen = 0;
  for (const svg of document.querySelectorAll("main svg")) {
    if (svg.parentElement?.closest("svg") || !svg.checkVisibility()) {
      continue;
    }
    const picture = svg.getBoundingClientRect();
    const shown = (/** @type {string} */ selector) =>
      [...svg.querySelectorAll(selector)]
        .map((e) => ({ text: e.textContent.trim(), box: e.getBoundingClientRect() }))
        .filter(({ box }) => box.width > 0);
    const texts = shown("text");
    // The boxes that a line of text or two are written in, not those around a whole group.
    const boxes = shown("rect").filter(({ box }) => box.height < 60);
    seen += texts.length;
    for (const [number, { text, box }] of texts.entries()) {
      const beyond = Math.max(picture.left - box.left, box.right - picture.right);
      if (beyond > BEARING) {
        wrong.push(`“${text}” leaves the picture by ${beyond.toFixed(1)} px`);
      }
      const middle = (box.top + box.bottom) / 2;
      const begin = box.left + Math.min(4, box.width / 2);
      for (const { box: around } of boxes) {
        const begins = middle > around.top && middle < around.bottom && begin > around.left && begin < around.right;
        if (begins && box.right > around.right) {
          wrong.push(`“${text}” leaves its box by ${(box.right - around.right).toFixed(1)} px`);
        }
      }
      for (const other of texts.slice(0, number)) {
        const across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
        const down = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
        // Lines of text that stand close have boxes that overlap a little, above and below their letters.
        if (across > BEARING && down > box.height / 3) {
          wrong.push(`“${text}” runs into “${other.text}” by ${across.toFixed(1)} px`);
        }
      }
    }
  }
  return { seen, wrong };
}

describe("pages", { skip: why ?? false, concurrency: false }, () => {
  /** @type {Lab} */
  let lab;
  before(async () => {
    lab = await Lab.start();
  });
  after(async () => {
    await lab.stop();
  });

  test("on a phone no text of a chart or figure leaves it, its box, or runs into another text", async (t) => {
    for (const path of PAGES) {
      for (const width of [360, 390]) {
        await lab.open(
          path,
          async (page) => {
            const { seen, wrong } = await page.evaluate(strayTexts);
            t.diagnostic(`${path}, ${width} px: ${seen} texts`);
            assert.deepEqual(wrong, [], `${path}, ${width} px`);
            assert.ok(seen > 0 || (await page.locator("main figure.chart, main figure.picture").count()) === 0, `${path}: no texts seen`);
          },
          { viewport: { ...PHONE, width }, hasTouch: true },
        );
      }
    }
  });

  test("on a phone the copy button covers no code, and a wide listing shows that it scrolls", () =>
    lab.open(
      "crash_isolation.html",
      async (page) => {
        assert.ok(await page.evaluate(() => matchMedia("(hover: none)").matches));
        const listings = await page.locator(".listing pre > code:visible").evaluateAll((codes) =>
          codes.map((code) => {
            const button = code.parentElement?.querySelector(".buttons");
            const text = code.getBoundingClientRect().top + Number.parseFloat(getComputedStyle(code).paddingTop);
            const covers = button?.checkVisibility({ visibilityProperty: true }) === true && button.getBoundingClientRect().bottom > text;
            const { backgroundImage, backgroundAttachment } = getComputedStyle(code);
            return {
              covers,
              isWide: code.scrollWidth > code.clientWidth,
              shadows: backgroundImage.split("linear-gradient").length - 1,
              covered: backgroundAttachment.split("local").length - 1,
            };
          }),
        );
        assert.ok(listings.some(({ isWide }) => isWide), "none is wider than a phone, so nothing was tried");
        for (const { covers, shadows, covered } of listings) {
          assert.deepEqual({ covers, shadows, covered }, { covers: false, shadows: 4, covered: 2 });
        }
        await page.locator(".listing").first().screenshot({ path: join(SCREENSHOTS, "listing-on-a-phone.png") });
      },
      { viewport: PHONE, hasTouch: true, isMobile: true },
    ));

  test("a text that leaves its chart or its box is found", () =>
    lab.open("introduction.html", async (page) => {
      await page.locator("main").evaluate((main) => {
        main.innerHTML = `<svg width="300" height="90">
          <text x="10" y="20">inside</text>
          <text x="280" y="20">cut off at the right</text>
          <rect x="10" y="30" width="40" height="20"/><text x="15" y="44">wider than its box</text>
          <text x="10" y="80">one text</text><text x="40" y="80">another</text>
        </svg>`;
      });
      const { seen, wrong } = await page.evaluate(strayTexts);
      assert.equal(seen, 5);
      assert.deepEqual(
        wrong.map((one) => one.replace(/ by .*/, "")),
        ["“cut off at the right” leaves the picture", "“wider than its box” leaves its box", "“another” runs into “one text”"],
      );
    }));

  test("on a phone a table of two columns is read without scrolling", async () => {
    for (const path of PAGES) {
      await lab.open(
        path,
        async (page) => {
          const wide = await page.locator("main .table-wrapper:not(figure *)").evaluateAll((tables) =>
            tables
              .filter((table) => table.querySelectorAll("thead th").length === 2 && table.scrollWidth > table.clientWidth + 1)
              .map((table) => `${table.scrollWidth} px: ${table.textContent.trim().slice(0, 80)}`),
          );
          assert.deepEqual(wide, [], path);
        },
        { viewport: PHONE, hasTouch: true },
      );
    }
  });

  test("axe finds no contrast too low on any page in the themes that test.js doesn't show", async () => {
    const toc = await (await fetch(`${lab.book.address}/toc.html`)).text();
    const pages = new Set([...toc.matchAll(/href="([^"#]+\.html)"/g)].map((match) => match[1] ?? ""));
    for (const path of pages) {
      for (const theme of THEMES.filter((one) => one !== "light" && one !== "navy")) {
        await lab.open(path, async (page) => assert.deepEqual(await violations(page, ["color-contrast"]), [], `${path}, ${theme}`), { theme });
      }
    }
  });

  test("the search finds a section by the last part of a name", () =>
    lab.open("introduction.html?search=flock", async (page) => {
      const results = page.locator("#mdbook-searchresults a");
      await results.first().waitFor();
      const found = await results.evaluateAll((links) => links.map((link) => link.getAttribute("href") ?? ""));
      assert.ok(
        found.some((link) => /memory\/exercise\.html.*#/.test(link)),
        found.join(" "),
      );
    }));

  test("no page of the book moves while it loads", async (t) => {
    for (const path of PAGES) {
      for (const viewport of [DESK, PHONE]) {
        await staysStill(lab, path, viewport, t);
      }
    }
  });
});
