// The book's widgets, as readers use them: by mouse and keyboard, in every theme, on a phone, on paper, across a live reload.
//
//   node --test widgets.test.js
//
// They stand on a page of fixtures, so that these tests don't depend on what a chapter says.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Lab, PHONE, SCREENSHOTS, THEMES, missing, shifts, violations, watchShifts } from "./widgets.js";

/** @typedef {import("playwright-core").Page} Page */

const why = missing();
if (why) {
  console.error(`skipped: the widget tests: ${why}`);
}

/**
 * What a thread does, in the format of the crate `wire`.
 *
 * @param {string} thread
 * @param {string} kind
 * @param {Record<string, string>} [more]
 */
const step = (thread, kind, more = {}) => ({ thread, kind, object: "counter", ...more });

const LOST = {
  test: "lost_updates::no_update_is_lost",
  threads: ["main", "A", "B"],
  steps: [
    step("main", "spawn", { object: "", started: "A" }),
    step("A", "load", { value: "0" }),
    step("B", "load", { value: "0" }),
    step("A", "store", { value: "1" }),
    step("B", "store", { value: "1" }),
    step("B", "end", { object: "" }),
  ],
  outcome: "<b>1</b> and not 2",
};

/**
 * Picks a file in the first stepper.
 *
 * @param {Page} page
 * @param {string | object} content
 */
async function pick(page, content) {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  const input = page.locator("course-stepper").first().locator("input[type=file]");
  await input.setInputFiles({ name: "schedule.json", mimeType: "application/json", buffer: Buffer.from(text) });
}

describe("widgets", { skip: why ?? false, concurrency: false }, () => {
  /** @type {Lab} */
  let lab;
  before(async () => {
    lab = await Lab.start();
  });
  after(async () => {
    await lab.stop();
  });

  test("pages: fork and write by keyboard, and the parent keeps its value", () =>
    lab.open("widgets.html", async (page) => {
      const pages = page.locator("memory-pages");
      await pages.getByRole("button", { name: "fork" }).press("Enter");
      await pages.getByRole("button", { name: "child, page 1, holds 20: write" }).press("Space");
      await pages.getByRole("status").filter({ hasText: "the parent still sees 20" }).waitFor();
      await pages.getByRole("button", { name: "parent, page 1, holds 20: write" }).waitFor();
      await pages.getByRole("button", { name: "child, page 1, holds 21: write" }).waitFor();
      await pages.getByText("5 frames, 3 shared").waitFor();
      await pages.screenshot({ path: join(SCREENSHOTS, "memory-pages.png") });
    }));

  test("pages: reading bytes copies nothing, reading a Python object copies its page", () =>
    lab.open("widgets.html", async (page) => {
      const pages = page.locator("memory-pages");
      await pages.getByRole("button", { name: "fork" }).click();
      await pages.getByRole("button", { name: "child, page 1, holds 20: read" }).click();
      await pages.getByText("4 frames, 4 shared").waitFor();
      await pages.getByRole("radio", { name: "a forked process, with Python objects" }).check();
      await pages.getByRole("button", { name: "fork" }).click();
      await pages.getByRole("button", { name: "child, page 1, holds 20, reference count 1: read" }).click();
      await pages.getByText("5 frames, 3 shared").waitFor();
      await pages.getByRole("status").filter({ hasText: "the parent still sees the count 1" }).waitFor();
      await pages.getByRole("button", { name: "child, page 1, holds 20, reference count 2: read" }).waitFor();
    }));

  test("pages: a thread's write is seen at once", () =>
    lab.open("widgets.html", async (page) => {
      const pages = page.locator("memory-pages");
      await pages.getByRole("radio", { name: "a thread", exact: true }).check();
      await pages.getByRole("button", { name: "start a thread" }).click();
      await pages.getByRole("button", { name: "second thread, page 2, holds 30: write" }).click();
      await pages.getByRole("status").filter({ hasText: "the main thread sees 31 at once" }).waitFor();
      await pages.getByRole("button", { name: "main thread, page 2, holds 31: write" }).waitFor();
    }));

  test("pages: each pointer begins at a page and ends at its frame, also after a copy and on a phone", async () => {
    for (const viewport of [undefined, PHONE]) {
      await lab.open(
        "widgets.html",
        async (page) => {
          const pages = page.locator("memory-pages");
          await pages.getByRole("button", { name: "fork" }).click();
          await pages.getByRole("button", { name: "child, page 0, holds 10: write" }).click();
          const ends = await pages.evaluate((host) =>
            [...host.querySelectorAll("path:not([data-absent])")].map((path) => {
              const line = /** @type {SVGPathElement} */ (path);
              const place = line.getScreenCTM();
              const near = (/** @type {DOMPoint} */ point, /** @type {string} */ selector) =>
                [...host.querySelectorAll(selector)].some((box) => {
                  const { left, right, top, bottom } = box.getBoundingClientRect();
                  return [left, right].some((x) => Math.abs(x - point.x) < 3) && point.y > top && point.y < bottom;
                });
              const at = (/** @type {number} */ length) => line.getPointAtLength(length).matrixTransform(place ?? undefined);
              return [near(at(0), ".pages-page"), near(at(line.getTotalLength()), ".frame:not([data-absent])")];
            }),
          );
          assert.equal(ends.length, 8);
          assert.deepEqual(new Set(ends.flat()), new Set([true]));
        },
        viewport ? { viewport } : {},
      );
    }
  });

  test("free play: an order that loses an addition ends with 1, and the stale copy says so", () =>
    lab.open("widgets.html", async (page) => {
      const stepper = page.locator("course-stepper").first();
      for (const who of ["A", "B", "B", "B"]) {
        await stepper.getByRole("button", { name: `${who}’s turn` }).press("Enter");
      }
      await stepper.getByRole("group", { name: "thread A" }).getByText("stale").waitFor();
      for (const who of ["A", "A"]) {
        await stepper.getByRole("button", { name: `${who}’s turn` }).press("Enter");
      }
      await stepper.getByRole("status").filter({ hasText: "one lost" }).waitFor();
      await stepper.getByText("0 → 1 B → 1 A").waitFor();
      await stepper.screenshot({ path: join(SCREENSHOTS, "stepper.png") });
    }));

  test("free play: three threads have a column each", () =>
    lab.open("widgets.html", async (page) => {
      const stepper = page.locator('course-stepper[threads="3"]');
      assert.equal(await stepper.getByRole("group", { name: /^thread/ }).count(), 3);
      for (const who of ["A", "B", "C", "A", "B", "C", "A", "B", "C"]) {
        await stepper.getByRole("button", { name: `${who}’s turn` }).click();
      }
      await stepper.getByRole("status").filter({ hasText: "3 additions, 2 lost" }).waitFor();
    }));

  test("schedule: plays what a failing test saved, tells the stale store, and shows text as text", () =>
    lab.open("widgets.html", async (page) => {
      const stepper = page.locator("course-stepper").first();
      await pick(page, LOST);
      const next = stepper.getByRole("button", { name: "next step" });
      for (let taken = 0; taken < 4; taken += 1) {
        await next.press("Enter");
      }
      const head = stepper.getByRole("columnheader");
      assert.deepEqual(await head.allInnerTexts().then((all) => all.map((text) => text.replaceAll(/\s+/g, " ").trim())), [
        "step",
        "main",
        "A has 1",
        "B has 0 stale",
      ]);
      await next.press("Enter");
      await stepper.getByRole("status").filter({ hasText: "from a stale copy" }).waitFor();
      await stepper.getByText("0 → 1 A → 1 B").waitFor();
      await next.press("Enter");
      await stepper.getByRole("status").filter({ hasText: "<b>1</b> and not 2" }).waitFor();
      assert.equal(await stepper.getByRole("button", { name: "one step back" }).evaluate((e) => e === document.activeElement), true);
    }));

  test("schedule: who holds a lock, and who waits", () =>
    lab.open("widgets.html", async (page) => {
      const stepper = page.locator("course-stepper").first();
      const steps = [
        step("A", "lock", { object: "lock", value: "0" }),
        step("A", "wait", { object: "condition" }),
        step("B", "lock", { object: "lock", value: "0" }),
        step("B", "unlock", { object: "lock", value: "1" }),
        step("B", "notify", { object: "condition" }),
        step("A", "unlock", { object: "lock", value: "1" }),
      ];
      await pick(page, { ...LOST, threads: ["A", "B"], steps });
      const next = stepper.getByRole("button", { name: "next step" });
      await next.click();
      await stepper.getByText("held by A").waitFor();
      await next.click();
      await stepper.getByRole("columnheader", { name: /A.*waiting/ }).waitFor();
      await next.click();
      await stepper.getByText("held by B").waitFor();
    }));

  test("schedule: what is none is refused with a reason, and what was there stays", () =>
    lab.open("widgets.html", async (page) => {
      const stepper = page.locator("course-stepper").first();
      const cases = [
        ["", "not JSON"],
        ["[]", "has no steps"],
        ['{"steps":[]}', "has no steps"],
        ['{"steps":[1]}', "step 1 has no thread"],
        ['{"steps":[{"thread":"A"}]}', "step 1 has no kind"],
        ['{"steps":[{"thread":"A","op":"reads 0"}]}', "step 1 is in an older format; run the test again"],
        ['{"steps":[{"thread":"A","kind":"jump"}]}', "step 1 is of the unknown kind “jump”"],
        ['{"steps":[{"thread":"A","kind":"toString"}]}', "unknown kind"],
        ['{"steps":[{"thread":"A","kind":"update","before":"1"}]}', "step 1 is a update without “after”"],
      ];
      await pick(page, LOST);
      for (const [bad = "", reason = ""] of cases) {
        await pick(page, bad);
        await stepper.getByRole("status").filter({ hasText: "cannot be shown" }).filter({ hasText: reason }).waitFor();
        await stepper.getByText(LOST.test).waitFor();
      }
      await pick(page, { ...LOST, test: "another::test" });
      await stepper.getByText("another::test").waitFor();
    }));

  test("schedule: 50,000 steps open and play to the end within a second each, with the header in view", (t) =>
    lab.open("widgets.html", async (page) => {
      const steps = Array.from({ length: 50_000 }, (_, index) =>
        step("ABCD"[index % 4] ?? "A", index % 8 < 4 ? "load" : "store", { value: String(index), object: `counter ${index % 3}`, note: "x".repeat(24) }),
      );
      const text = JSON.stringify({ ...LOST, threads: ["A", "B", "C", "D"], steps });
      assert.ok(text.length > 5e6);
      const stepper = page.locator("course-stepper").first();
      // The page's own time, on its own clock: this machine may be busy with other things.
      const times = await stepper.evaluate(async (host, json) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([json], "large.json", { type: "application/json" }));
        const input = /** @type {HTMLInputElement} */ (host.querySelector("input[type=file]"));
        input.files = transfer.files;
        const began = performance.now();
        const seen = new Promise((done) => {
          const watch = new MutationObserver(() => {
            if (host.querySelector(".stepper-schedule tbody td")) {
              watch.disconnect();
              requestAnimationFrame(() => setTimeout(() => done(performance.now())));
            }
          });
          watch.observe(host, { subtree: true, childList: true });
        });
        input.dispatchEvent(new Event("change"));
        const opened = Number(await seen) - began;
        const button = [...host.querySelectorAll("button")].find((one) => one.textContent === "to the end");
        const pressed = performance.now();
        button?.click();
        await new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(undefined))));
        return { opened, played: performance.now() - pressed, rows: host.querySelectorAll("tbody tr").length };
      }, text);
      t.diagnostic(`opened in ${times.opened.toFixed(0)} ms, played to the end in ${times.played.toFixed(0)} ms, ${times.rows} rows drawn`);
      assert.ok(times.rows < 100, `${times.rows} rows drawn`);
      assert.ok(times.opened < 4000 && times.played < 4000, "far less than this on a machine that does nothing else");
      await stepper.getByRole("row", { name: /^50000/ }).waitFor();
      const [box, head, last] = await Promise.all(
        [".stepper-schedule", ".stepper-schedule thead th", '.stepper-schedule [aria-current="step"]'].map((selector) =>
          stepper.locator(selector).first().boundingBox(),
        ),
      );
      assert.ok(box && head && last);
      assert.ok(Math.abs(head.y - box.y) < 3, "the header is at the top of the table's window");
      assert.ok(last.y > head.y + head.height - 1 && last.y + last.height <= box.y + box.height + 3, "the last step is in view");
    }));

  test("state: in the address, and there again after a live reload", () =>
    lab.open("widgets.html", async (page) => {
      await page.getByRole("button", { name: "fork" }).click();
      await page.getByRole("button", { name: "child, page 1, holds 20: write" }).click();
      await page.locator('course-stepper[threads="3"]').getByRole("button", { name: "B’s turn" }).click();
      await pick(page, LOST);
      const stepper = page.locator("course-stepper").first();
      await stepper.getByRole("button", { name: "next step" }).click();
      await stepper.getByRole("button", { name: "next step" }).click();
      await page.locator("course-question").first().getByRole("radio").nth(2).check();
      await page.locator("course-question").first().getByRole("button", { name: "This is my guess" }).click();
      const address = new URL(page.url());
      assert.deepEqual(Object.fromEntries(address.searchParams), {
        pages: "process.f.1w1",
        turns2: "B",
        schedule: "schedule.json",
        step: "2",
      });
      const text = readFileSync(lab.source, "utf8");
      writeFileSync(lab.source, `${text}\nEdited.\n`);
      await page.getByText("Edited.").waitFor();
      await page.getByRole("button", { name: "child, page 1, holds 21: write" }).waitFor();
      await page.locator('course-stepper[threads="3"]').getByText("turns so far: B").waitFor();
      assert.equal(await stepper.getByRole("row", { name: /^2 / }).getAttribute("aria-current"), "step");
      assert.ok(await page.locator("course-question").first().getByRole("radio").nth(2).isChecked());
      writeFileSync(lab.source, text);
      await page.getByText("Edited.").waitFor({ state: "detached" });
    }));

  test("state: an address that is none of ours begins anew", () =>
    lab.open("widgets.html?pages=process.1w9&turns=ABX&schedule=gone.json&step=-3", async (page) => {
      await page.getByRole("button", { name: "fork" }).waitFor();
      await page.locator("course-stepper").first().getByText("turns so far: none").waitFor();
    }));

  test("arrow keys inside a widget turn no page", () =>
    lab.open("widgets.html", async (page) => {
      await pick(page, LOST);
      const places = [
        page.locator("memory-pages").getByRole("radio").first(),
        page.locator("memory-pages").getByRole("button", { name: "fork" }),
        page.locator("course-stepper").first().getByRole("slider"),
        page.locator("course-stepper").first().getByRole("region", { name: "the steps" }),
        page.locator("course-question").first().getByRole("radio").first(),
        page.locator(".recall-question").first().getByRole("radio").first(),
      ];
      for (const place of places) {
        await place.focus();
        for (const key of ["ArrowRight", "ArrowLeft", "ArrowDown"]) {
          await page.keyboard.press(key);
        }
      }
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      assert.equal(new URL(page.url()).pathname, "/widgets.html");
      // The same keys elsewhere do turn it, so the test above would see it.
      await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).blur());
      await page.keyboard.press("ArrowLeft");
      await page.waitForURL((url) => url.pathname !== "/widgets.html");
    }));

  for (const theme of THEMES) {
    test(`${theme}: colors have their contrast on the page and on panels, and axe finds nothing`, () =>
      lab.open(
        "widgets.html",
        async (page) => {
          await pick(page, LOST);
          const stepper = page.locator("course-stepper").first();
          for (let taken = 0; taken < 4; taken += 1) {
            await stepper.getByRole("button", { name: "next step" }).click();
          }
          await page.getByRole("button", { name: "fork" }).click();
          await page.getByRole("button", { name: "child, page 1, holds 20: write" }).click();
          await page.locator("course-question").first().getByRole("radio").first().check();
          await page.locator("course-question").first().getByRole("button").click();
          const low = await page.evaluate(() => {
            const probe = document.body.appendChild(document.createElement("i"));
            probe.style.transition = "none";
            const canvas = document.createElement("canvas").getContext("2d");
            const luminance = (/** @type {string} */ name) => {
              probe.style.color = `var(${name})`;
              if (!canvas) {
                throw new Error("no canvas");
              }
              canvas.fillStyle = getComputedStyle(probe).color;
              canvas.fillRect(0, 0, 1, 1);
              const [r = 0, g = 0, b = 0] = [...canvas.getImageData(0, 0, 1, 1).data].map((byte) => {
                const channel = byte / 255;
                return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
              });
              return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const names = ["parent", "child", "shared", "thread-a", "thread-b", "lock", "stale", "waiting", "quiet"];
            return names.flatMap((name) =>
              ["--bg", "--panel"].flatMap((ground) => {
                const [high = 0, dim = 0] = [luminance(`--${name}`), luminance(ground)].sort((a, b) => b - a);
                const contrast = (high + 0.05) / (dim + 0.05);
                return contrast < 4.5 ? [`--${name} on ${ground}: ${contrast.toFixed(2)}`] : [];
              }),
            );
          });
          assert.deepEqual(low, []);
          assert.deepEqual(await violations(page), []);
          await page.locator("main").screenshot({ path: join(SCREENSHOTS, `widgets-${theme}.png`) });
        },
        { theme },
      ));
  }

  test("in forced colors every owner is told by its shape", () =>
    lab.open(
      "widgets.html",
      async (page) => {
        await page.getByRole("button", { name: "fork" }).click();
        await page.getByRole("button", { name: "child, page 1, holds 20: write" }).click();
        const looks = await page.evaluate(() =>
          [...document.querySelectorAll(".legend .sign")].map((sign) => {
            const { backgroundImage, backgroundColor, backgroundClip, borderStyle, borderWidth, borderRadius } = getComputedStyle(sign);
            return [backgroundImage, backgroundColor, backgroundClip, borderStyle, borderWidth, borderRadius].join(" ");
          }),
        );
        assert.equal(new Set(looks).size, looks.length, `two signs look the same: ${looks.join(" | ")}`);
        assert.deepEqual(await violations(page), []);
        await page.locator("main").screenshot({ path: join(SCREENSHOTS, "widgets-forced-colors.png") });
      },
      { forcedColors: "active" },
    ));

  test("fits a phone", () =>
    lab.open(
      "widgets.html",
      async (page) => {
        await pick(page, LOST);
        await page.getByRole("radio", { name: "a forked process, with Python objects" }).check();
        await page.getByRole("button", { name: "fork" }).click();
        await page.getByRole("button", { name: "child, page 1, holds 20, reference count 1: read" }).click();
        const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
        assert.equal(inner, outer);
        const cut = await page.locator("memory-pages :is(.pages-page, .frame, .pages-head)").evaluateAll((boxes) =>
          boxes.filter((box) => box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1).map((box) => box.outerHTML),
        );
        assert.deepEqual(cut, []);
        await page.locator("main").screenshot({ path: join(SCREENSHOTS, "widgets-phone.png") });
      },
      { viewport: PHONE, hasTouch: true },
    ));

  test("the page stays where it is while the widgets come", async () => {
    // With a fragment on a phone, mdBook's menu bar moves as well.
    for (const [viewport, parts] of /** @type {const} */ ([
      [undefined, ["", "#turns", "#predict", "#recall"]],
      [PHONE, [""]],
    ])) {
      await lab.open(
        "introduction.html",
        async (page) => {
          await watchShifts(page);
          for (const part of parts) {
            await page.goto(`${lab.book.address}/widgets.html${part}`);
            await page.reload({ waitUntil: "load" });
            await page.locator("course-recall[data-live]").waitFor();
            const sum = await shifts(page);
            assert.ok(sum < 0.1, `${part}: a layout shift of ${sum}`);
          }
        },
        viewport ? { viewport } : {},
      );
    }
  });
});
