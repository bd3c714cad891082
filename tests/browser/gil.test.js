// <gil-lanes>: the simulation keeps CPython's rules, and the figure shows what the simulation says.
//
//   node --test gil.test.js

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { COMPUTE, REPLY, SLICE, START, millis, sentence, simulate } from "../../src/widgets/gilsim.js";
import { PROJECT } from "./book.js";
import { Lab, PHONE, SCREENSHOTS, THEMES, missing } from "./widgets.js";

/** @typedef {import("../../src/widgets/gilsim.js").Setup} Setup */
/** @typedef {import("../../src/widgets/gilsim.js").World} World */
/** @typedef {import("playwright-core").Page} Page */

/** @param {Partial<Setup>} [change] @returns {Setup} */
const setup = (change = {}) => ({ world: "gil", compute: 2, io: 1, interval: 5, cores: 2, ...change });

/** Every setup that the sliders allow. @returns {Setup[]} */
function all() {
  const setups = [];
  for (const world of /** @type {World[]} */ (["gil", "processes", "free"])) {
    for (const compute of [0, 1, 2, 3, 4]) {
      for (const io of [0, 1, 2].filter((count) => count + compute > 0)) {
        for (const interval of [1, 2, 5, 10, 20, 50]) {
          for (const cores of [1, 2, 4]) {
            setups.push({ world, compute, io, interval, cores });
          }
        }
      }
    }
  }
  return setups;
}

describe("simulation", () => {
  test("in every setup, each thread is always in one state, and all of them end", () => {
    for (const one of all()) {
      const { spans, done, end } = simulate(one);
      for (let thread = 0; thread < one.compute + one.io; thread += 1) {
        const own = spans.filter((span) => span.thread === thread);
        let at = 0;
        for (const span of own) {
          assert.ok(Math.abs(span.from - at) < 1, `${JSON.stringify(one)}: a gap or an overlap in lane ${thread}`);
          at = span.to;
        }
        assert.equal(at, done[thread], JSON.stringify(one));
      }
      assert.equal(Math.max(...done), end);
    }
  });

  test("under the GIL one thread at a time runs, on however many cores; without it, at most one for each core", () => {
    for (const one of all()) {
      const running = simulate(one).spans.filter((span) => span.state === "run");
      for (const span of running) {
        const beside = running.filter((other) => other.from <= span.from && span.from < other.to);
        assert.ok(beside.length <= (one.world === "gil" ? 1 : one.cores), JSON.stringify(one));
      }
    }
  });

  test("a drop request comes only after a whole interval without a switch, and the holder does not take the GIL right back", () => {
    for (const one of all().filter(({ world }) => world === "gil")) {
      const { happenings } = simulate(one);
      happenings.forEach((request, at) => {
        if (request.kind !== "request") {
          return;
        }
        const lastSwitch = happenings.slice(0, at).findLast(({ kind }) => kind === "take");
        assert.ok(lastSwitch && request.time - lastSwitch.time >= one.interval * 1000, JSON.stringify(one));
        assert.equal(lastSwitch.thread, request.other, "the holder is asked");
        const next = happenings.slice(at).find(({ kind }) => kind === "take");
        assert.ok(next && next.time === request.time && next.thread !== request.other, "it is handed over at once, to another thread");
      });
    }
  });

  test("a thread that waits is not kept waiting for ever: at most one turn of each other thread, and a wake-up each", () => {
    for (const one of all().filter(({ world }) => world === "gil")) {
      const others = one.compute + one.io - 1;
      for (const span of simulate(one).spans.filter(({ state }) => state === "gil")) {
        // A turn may last up to two intervals: the waiter's timer may have run out just before the last switch.
        assert.ok(span.to - span.from <= others * 2 * one.interval * 1000, JSON.stringify(one));
      }
    }
  });

  test("a thread that blocks gives the GIL up, and queues like everyone else when its reply is there", () => {
    const { spans, happenings, longest } = simulate(setup({ compute: 1, io: 1 }));
    const blocks = happenings.find(({ kind, thread }) => kind === "blocks" && thread === 1);
    assert.ok(blocks);
    assert.ok(happenings.some(({ kind, thread, time }) => kind === "take" && thread === 0 && time === blocks.time));
    const waits = spans.filter(({ thread, state, from }) => thread === 1 && state === "gil" && from > blocks.time);
    assert.ok(waits.slice(0, 3).every(({ from, to }) => to - from === 5000), "a whole interval for each reply");
    assert.equal(longest, REPLY + 5000);
  });

  test("known figures: two computations overlap in processes and without the GIL, not under it", () => {
    const end = (/** @type {Partial<Setup>} */ change) => simulate(setup({ io: 0, ...change })).end;
    assert.equal(end({}), 2 * COMPUTE);
    assert.equal(end({ interval: 50 }), 2 * COMPUTE);
    assert.equal(end({ world: "processes" }), START + COMPUTE);
    assert.equal(end({ world: "processes", cores: 1 }), START + 2 * COMPUTE);
    assert.equal(end({ world: "free" }), 1.08 * COMPUTE);
    const alone = simulate(setup({ compute: 0, io: 1 }));
    assert.equal(alone.longest, REPLY);
    const shared = simulate(setup({ world: "processes", cores: 1 })).spans.filter(({ state }) => state === "run");
    assert.ok(shared.every(({ from, to }) => to - from <= SLICE), "no turn on a shared core is longer than a slice");
  });

  test("what the page shows without JavaScript is what the simulation says", () => {
    const page = readFileSync(join(PROJECT, "src/gil.md"), "utf8");
    const rows = [...page.matchAll(/<tr><td>(.*?)<\/td><td>(.*?)<\/td><td>(.*?)<\/td><td>(.*?)<\/td><\/tr>/g)];
    assert.equal(rows.length, 12);
    for (const [, who = "", where = "", end, reply] of rows) {
      const compute = Number(/(\d) (?:thread )?computes?/.exec(who)?.[1]);
      const io = Number(/(\d) does I\/O/.exec(who)?.[1] ?? 0);
      const interval = Number(/interval (\d) ms/.exec(where)?.[1] ?? 5);
      const world = where.startsWith("processes") ? "processes" : where.includes("without") ? "free" : "gil";
      const outcome = simulate(setup({ world, compute, io, interval }));
      assert.equal(end, millis(outcome.end), `${who}, ${where}`);
      assert.equal(reply, outcome.longest === null ? "–" : millis(outcome.longest), `${who}, ${where}`);
    }
  });

  test("every happening is told in a sentence", () => {
    for (const one of all()) {
      for (const happening of simulate(one).happenings) {
        assert.match(sentence(happening, one.world), /^(The reply|[A-F]) .*\.$/);
      }
    }
  });
});

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const why = missing();

describe("<gil-lanes>", { skip: why ?? false, concurrency: false }, () => {
  /** @type {Lab} */
  let lab;
  before(async () => {
    lab = await Lab.start();
  });
  after(async () => {
    await lab.stop();
  });

  /** @param {Page} page @param {string} label */
  const slider = (page, label) => page.locator("gil-lanes").getByRole("slider", { name: label });

  test("guess, run by keyboard, and be graded", () =>
    lab.open("gil.html", async (page) => {
      const lanes = page.locator("gil-lanes");
      assert.equal(await lanes.locator(".gil-bar").count(), 0, "nothing is given away before the guess");
      const guess = slider(page, "My guess");
      await guess.focus();
      while ((await guess.inputValue()) !== "45") {
        await page.keyboard.press("ArrowLeft");
      }
      await lanes.getByRole("button", { name: "run" }).press("Enter");
      const status = lanes.getByRole("status");
      await status.filter({ hasText: "done after 45 ms. You said 45 ms. You were right" }).waitFor();
      await status.filter({ hasText: "The slowest reply took 9 ms" }).waitFor();
      assert.ok(await lanes.getByRole("button", { name: "one step back" }).evaluate((one) => one === document.activeElement));
      assert.ok(await guess.isDisabled(), "a guess after the run is none");
      await lanes.screenshot({ path: join(SCREENSHOTS, "gil-lanes.png") });
    }));

  test("a guess that is far off is told by how much", () =>
    lab.open("gil.html", async (page) => {
      const lanes = page.locator("gil-lanes");
      for (const [guess, miss] of [
        ["60", "15 ms too long"],
        ["30", "15 ms too short"],
      ]) {
        await slider(page, "threads that compute").press("ArrowRight");
        await slider(page, "threads that compute").press("ArrowLeft");
        await slider(page, "My guess").fill(guess ?? "");
        await lanes.getByRole("button", { name: "run" }).click();
        await lanes.getByRole("status").filter({ hasText: `You said ${guess} ms. That is ${miss}.` }).waitFor();
      }
    }));

  test("steps back and forth, and says what happens", () =>
    lab.open("gil.html", async (page) => {
      const lanes = page.locator("gil-lanes");
      await lanes.getByRole("button", { name: "run" }).click();
      await lanes.getByRole("button", { name: "to the beginning" }).click();
      await lanes.getByRole("status").filter({ hasText: "After 0 ms: A takes the GIL." }).waitFor();
      await lanes.getByRole("button", { name: "next step" }).press("Enter");
      await lanes.getByRole("status").filter({ hasText: "After 5 ms: B has waited for a whole interval and asks A to let go." }).waitFor();
      await lanes.getByText("What happens, in words").click();
      assert.equal(await lanes.locator("details li").count(), 2);
      await lanes.getByRole("button", { name: "to the end" }).click();
      await lanes.getByRole("status").filter({ hasText: "The last one is done" }).waitFor();
    }));

  test("the same work in processes and without the GIL; a change asks for a new guess", () =>
    lab.open("gil.html", async (page) => {
      const lanes = page.locator("gil-lanes");
      await lanes.getByRole("button", { name: "run" }).click();
      await lanes.getByRole("radio", { name: "processes" }).check();
      assert.equal(await lanes.locator(".gil-bar").count(), 0);
      assert.ok(await slider(page, "switch interval").isDisabled(), "there is no interval without a shared GIL");
      assert.ok(await slider(page, "CPU cores").isEnabled());
      await slider(page, "processes that compute").press("ArrowRight");
      await lanes.getByRole("status").filter({ hasText: "2 processes that compute and 1 process that does I/O, 2 cores." }).waitFor();
      await lanes.getByRole("button", { name: "run" }).click();
      await lanes.getByRole("status").filter({ hasText: "done after 48 ms" }).waitFor();
      await lanes.getByRole("radio", { name: "threads, without the GIL" }).check();
      await lanes.getByRole("button", { name: "run" }).click();
      await lanes.getByRole("status").filter({ hasText: "done after 46.4 ms" }).waitFor();
    }));

  test("somebody always runs: with the last computing thread gone, there is one that does I/O", () =>
    lab.open("gil.html", async (page) => {
      await slider(page, "threads that do I/O").press("ArrowLeft");
      await slider(page, "threads that compute").press("ArrowLeft");
      await page.locator("gil-lanes").getByRole("status").filter({ hasText: "1 thread that does I/O, a switch interval of 5 ms." }).waitFor();
    }));

  test("the state is in the address, and there again after a reload; any other address begins anew", async () => {
    await lab.open("gil.html", async (page) => {
      const lanes = page.locator("gil-lanes");
      await slider(page, "switch interval").press("ArrowLeft");
      await lanes.getByRole("button", { name: "run" }).click();
      await lanes.getByRole("button", { name: "one step back" }).click();
      const kept = new URL(page.url()).searchParams.get("gil") ?? "";
      assert.match(kept, /^gil\.1\.1\.2\.2\.100\.\d+$/);
      const before = await lanes.getByRole("status").innerText();
      await page.reload();
      await lanes.getByRole("status").filter({ hasText: before }).waitFor();
      assert.equal(await slider(page, "switch interval").getAttribute("aria-valuetext"), "2 ms");
    });
    for (const bad of ["gil.0.0.5.2.60.3", "gil.9.1.5.2.60.-", "gil.1.1.7.2.60.-", "none.1.1.5.2.60.-", "gil.1.1.5.2.9999.-", "x"]) {
      await lab.open(`gil.html?gil=${bad}`, async (page) => {
        await page.locator("gil-lanes").getByRole("status").filter({ hasText: "1 thread that computes and 1 thread that does I/O" }).waitFor();
      });
    }
  });

  test("arrow keys on a slider turn no page", () =>
    lab.open("gil.html", async (page) => {
      await slider(page, "switch interval").focus();
      for (const key of ["ArrowRight", "ArrowLeft", "ArrowDown"]) {
        await page.keyboard.press(key);
      }
      assert.equal(new URL(page.url()).pathname, "/gil.html");
    }));

  test("without JavaScript and on paper there is a table, and nothing to press", async () => {
    for (const javaScriptEnabled of [true, false]) {
      await lab.open(
        "gil.html",
        async (page) => {
          await page.emulateMedia({ media: javaScriptEnabled ? "print" : "screen" });
          assert.ok(await page.locator("gil-lanes table").isVisible());
          assert.equal(await page.locator("gil-lanes :is(button, input):visible").count(), 0);
        },
        { javaScriptEnabled },
      );
    }
  });

  for (const theme of THEMES) {
    test(`${theme}: axe finds nothing`, () =>
      lab.open(
        "gil.html?gil=gil.2.2.5.2.60.40",
        async (page) => {
          await page.addScriptTag({ content: AXE });
          const found = await page.evaluate(async () => {
            const { violations } = await /** @type {any} */ (globalThis).axe.run("gil-lanes");
            return violations.map((/** @type {any} */ one) => `${one.id}: ${one.nodes.map((/** @type {any} */ node) => node.html).join(" ")}`);
          });
          assert.deepEqual(found, []);
          await page.locator("gil-lanes").screenshot({ path: join(SCREENSHOTS, `gil-lanes-${theme}.png`) });
        },
        { theme },
      ));
  }

  test("in forced colors each state has a look of its own", () =>
    lab.open(
      "gil.html?gil=gil.2.2.5.2.60.99",
      async (page) => {
        const looks = await page.evaluate(() =>
          [...document.querySelectorAll(".gil-key")].map((key) => {
            const { backgroundImage, backgroundColor, borderStyle } = getComputedStyle(key);
            return [backgroundImage, backgroundColor, borderStyle].join(" ");
          }),
        );
        assert.equal(new Set(looks).size, looks.length, looks.join(" | "));
        await page.locator("gil-lanes").screenshot({ path: join(SCREENSHOTS, "gil-lanes-forced-colors.png") });
      },
      { forcedColors: "active" },
    ));

  test("fits a phone, and the place that is kept free for it is large enough", async () => {
    for (const viewport of [PHONE, { width: 700, height: 900 }, { width: 1280, height: 900 }]) {
      await lab.open(
        "gil.html",
        async (page) => {
          const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
          assert.equal(inner, outer);
          const [kept, needed] = await page.locator("gil-lanes").evaluate((host) => {
            const widget = /** @type {HTMLElement} */ (host.querySelector(".widget"));
            return [parseFloat(getComputedStyle(host).minBlockSize), widget.getBoundingClientRect().height];
          });
          assert.ok(Math.abs((kept ?? 0) - (needed ?? 0)) < 40, `${viewport.width}: ${kept} px are kept, ${needed} px needed`);
        },
        { viewport },
      );
    }
  });
});
