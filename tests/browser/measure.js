// Measures what a page costs its reader: requests, bytes, first paint, layout shift; and lists what axe finds in mdBook's frame.
//
//   node measure.js

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { DESK, Lab, PAGES, PHONE, THEMES } from "./widgets.js";

const ROUNDS = 5;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const lab = await Lab.start();
for (const path of PAGES) {
  for (const viewport of [DESK, PHONE]) {
    /** @type {{ requests: number, bytes: number, paint: number, shift: number }[]} */
    const rounds = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      // A fresh profile each time: nothing is cached.
      await lab.open(
        "404.html",
        async (page) => {
          const session = await page.context().newCDPSession(page);
          await session.send("Network.enable");
          await session.send("Network.setCacheDisabled", { cacheDisabled: true });
          let [requests, bytes] = [0, 0];
          session.on("Network.loadingFinished", (event) => {
            requests += 1;
            bytes += event.encodedDataLength;
          });
          await page.addInitScript(() => {
            Object.assign(window, { shift: 0 });
            new PerformanceObserver((list) => {
              for (const entry of list.getEntries()) {
                /** @type {any} */ (window).shift += /** @type {any} */ (entry).value;
              }
            }).observe({ type: "layout-shift", buffered: true });
          });
          await page.goto(`${lab.book.address}/${path}`, { waitUntil: "networkidle" });
          const [paint, shift] = await page.evaluate(() => [
            performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN,
            Number(/** @type {any} */ (window).shift),
          ]);
          rounds.push({ requests, bytes, paint: paint ?? NaN, shift: shift ?? NaN });
        },
        { viewport },
      );
    }
    const paints = rounds.map(({ paint }) => paint).sort((a, b) => a - b);
    const [{ requests, bytes } = { requests: 0, bytes: 0 }] = rounds;
    console.log(
      `${path}, ${viewport.width} px: ${requests} requests, ${(bytes / 1024).toFixed(0)} KiB, ` +
        `first paint ${paints[ROUNDS >> 1]?.toFixed(0)} ms (median of ${ROUNDS}), ` +
        `layout shift at most ${Math.max(...rounds.map(({ shift }) => shift)).toFixed(4)}`,
    );
  }
}

/** @type {Map<string, number>} */
const found = new Map();
for (const path of PAGES) {
  for (const theme of THEMES) {
    await lab.open(
      path,
      async (page) => {
        await page.addScriptTag({ content: AXE });
        /** @type {string[]} */
        const violations = await page.evaluate(async () => {
          // @ts-ignore axe is what the script above defines
          const result = await axe.run(document, { resultTypes: ["violations"] });
          return result.violations.flatMap((/** @type {any} */ rule) =>
            rule.nodes.map((/** @type {any} */ node) => `${rule.id}: ${node.html.split("\n")[0].slice(0, 70)}`),
          );
        });
        for (const violation of violations) {
          found.set(violation, (found.get(violation) ?? 0) + 1);
        }
      },
      { theme },
    );
  }
}
console.log(`\naxe, the whole document, ${PAGES.length} pages in ${THEMES.length} themes:`);
for (const [violation, count] of found) {
  console.log(`${count} × ${violation}`);
}
await lab.stop();
