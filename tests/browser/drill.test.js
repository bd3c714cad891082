// The crash drill: its rules are those that were measured, and it plays as readers use it.
//
//   node --test drill.test.js

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Drill, FAILURES, MODES, RULES } from "../../src/widgets/drill.js";
import { PROJECT } from "./book.js";
import { Lab, PHONE, SCREENSHOTS, THEMES, missing } from "./widgets.js";

/** @typedef {import("../../src/widgets/drill.js").Mode} Mode */
/** @typedef {import("../../src/widgets/drill.js").Failure} Failure */

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PAGE = "crash_isolation.html";

/** Every median of the record X1, by language and metric: one that all versions of the language agree on. */
function measured() {
  /** @type {{ runs: { runtime: { language: string }, measurements: { id: string, median: number }[] }[] }} */
  const record = JSON.parse(readFileSync(join(PROJECT, "records/reference/X1.json"), "utf8"));
  /** @type {Map<string, Set<number>>} */
  const medians = new Map();
  for (const { runtime, measurements } of record.runs) {
    for (const { id, median } of measurements) {
      const key = `${runtime.language.toLowerCase()}/${id}`;
      medians.set(key, (medians.get(key) ?? new Set()).add(median));
    }
  }
  return medians;
}

/**
 * A drill in which two tasks have an answer, two are being carried out, and six wait.
 *
 * @param {Mode} mode
 */
function inTheMiddle(mode) {
  const drill = new Drill(mode);
  drill.work();
  return drill;
}

/**
 * A drill in which both workers are idle.
 *
 * @param {Mode} mode
 */
function idle(mode) {
  const drill = new Drill(mode);
  while (!drill.allDone) {
    drill.work();
  }
  return drill;
}

describe("the rules of the drill", () => {
  const medians = measured();
  /** @param {Mode} mode */
  const language = (mode) => (mode === "sockets" ? "rust" : "python");

  test("what a failing task costs is what was measured, in every version", () => {
    for (const mode of MODES) {
      for (const failure of FAILURES) {
        const record = medians.get(`${language(mode)}/${mode}_${failure}`);
        if (RULES[mode][failure] === null) {
          assert.equal(record, undefined, `${mode}, ${failure} was measured`);
          assert.equal(inTheMiddle(mode).canHit(0, failure), false);
          continue;
        }
        const drill = inTheMiddle(mode);
        const lost = drill.hit(0, failure);
        assert.deepEqual([...(record ?? [])], [lost], `${mode}, ${failure}`);
        assert.equal(drill.lost, lost);
      }
    }
  });

  test("what a killed idle worker costs is what was measured", () => {
    const cases = /** @type {[Mode, number, string][]} */ ([
      ["executor", 0, "executor_idle"],
      ["executor", 1, "executor_idle"],
      ["pool", 0, "pool_idle_holder"],
      ["pool", 1, "pool_idle_other"],
      ["sockets", 0, "sockets_idle"],
      ["sockets", 1, "sockets_idle"],
    ]);
    for (const [mode, which, metric] of cases) {
      const lost = idle(mode).hit(which, "sigkill");
      assert.deepEqual([...(medians.get(`${language(mode)}/${metric}`) ?? [])], [lost], metric);
    }
  });

  test("the table that stands in for the drill says the same", () => {
    const page = readFileSync(join(PROJECT, "src/crash_isolation.md"), "utf8");
    const rows = [...page.matchAll(/<tr><th scope="row">(.*?)<\/th>(.*?)<\/tr>/g)].map((row) => ({
      name: row[1] ?? "",
      cells: [...(row[2] ?? "").matchAll(/<td>(.*?)<\/td>/g)].map((cell) => cell[1] ?? ""),
    }));
    /** @type {[string, Failure[]][]} */
    const failures = [
      ["raises an exception", ["exception"]],
      ["calls sys.exit()", ["sys_exit"]],
      ["calls os._exit(), causes a SIGSEGV or is killed", ["exit", "sigsegv", "sigkill"]],
    ];
    for (const [name, kinds] of failures) {
      const row = rows.find((one) => one.name === name);
      assert.ok(row, `no row ${name}`);
      MODES.forEach((mode, at) => {
        for (const failure of kinds) {
          const drill = inTheMiddle(mode);
          const says = drill.canHit(0, failure) ? String(drill.hit(0, failure)) : "–";
          assert.equal(row.cells[at]?.match(/^(\d+|–)/)?.[0], says, `${name}, ${mode}`);
        }
      });
    }
  });

  test("every task is in one state, and nothing is answered twice, whatever happens", () => {
    let seed = 1;
    const random = (/** @type {number} */ below) => {
      seed = (seed * 48271) % 2147483647;
      return seed % below;
    };
    for (let run = 0; run < 300; run += 1) {
      const drill = new Drill(MODES[random(MODES.length)] ?? "threads");
      for (let move = 0; move < 30; move += 1) {
        const before = [...drill.tasks];
        const failure = FAILURES[random(FAILURES.length)] ?? "exception";
        if (random(3) > 0) {
          if (drill.canWork) {
            drill.work();
          }
        } else {
          drill.hit(random(2), failure);
        }
        before.forEach((state, task) => {
          if (state !== "waits" && state !== "runs") {
            assert.equal(drill.tasks[task], state, "an answer is final");
          }
        });
        const running = drill.workers.flatMap(({ task }) => (task === null ? [] : [task]));
        assert.equal(new Set(running).size, running.length);
        assert.equal(drill.count("runs"), running.length);
      }
      const text = drill.toText();
      if (text !== null) {
        assert.deepEqual(Drill.fromText(text), drill, text);
      }
    }
  });

  test("an address that is not ours is refused", () => {
    for (const text of ["", "nonsense", "pool.x", "pool.a9", "sockets.a1", "threads.w.a4.w", `pool${".w".repeat(101)}`]) {
      assert.equal(Drill.fromText(text), null, text);
    }
  });
});

const why = missing();
if (why) {
  console.error(`skipped: the drill in a browser: ${why}`);
}

describe("the drill in a browser", { skip: why ?? false, concurrency: false }, () => {
  /** @type {Lab} */
  let lab;
  before(async () => {
    lab = await Lab.start();
  });
  after(async () => {
    await lab.stop();
  });

  test("predict and kill by keyboard: the executor loses eight", () =>
    lab.open(PAGE, async (page) => {
      const drill = page.locator("crash-drill");
      await drill.getByRole("radio", { name: "ProcessPoolExecutor" }).check();
      await drill.getByRole("button", { name: "work" }).press("Enter");
      await drill.getByRole("radio", { name: "it is killed, by SIGKILL" }).check();
      assert.ok(await drill.getByRole("button", { name: "let it happen to A" }).isDisabled(), "predict first");
      await drill.getByRole("radio", { name: "one", exact: true }).check();
      await drill.getByRole("button", { name: "let it happen to A" }).press("Enter");
      await drill.getByRole("status").filter({ hasText: "You said one; lost: 8." }).waitFor();
      await drill.getByText("program: alive · workers: 0 of 2 alive · answered: 2 · lost: 8").waitFor();
      assert.ok(await drill.getByRole("button", { name: "work" }).isDisabled(), "the pool is broken");
      await drill.getByRole("button", { name: "start over" }).press("Enter");
      await drill.getByText("lost: 0").waitFor();
    }));

  test("a pool freezes when the idle worker with the lock is killed", () =>
    lab.open(PAGE, async (page) => {
      const drill = page.locator("crash-drill");
      await drill.getByRole("radio", { name: "multiprocessing.Pool" }).check();
      for (let step = 0; step < 5; step += 1) {
        await drill.getByRole("button", { name: "work" }).click();
      }
      await drill.getByRole("group", { name: "process A" }).getByText("holds the queue’s lock").waitFor();
      await drill.getByRole("radio", { name: "it is killed, by SIGKILL" }).check();
      await drill.getByRole("radio", { name: "more than one" }).check();
      await drill.getByRole("button", { name: "let it happen to A" }).click();
      await drill.getByRole("status").filter({ hasText: "✓ You said more than one; lost: 10." }).waitFor();
      await drill.getByText("the pool is frozen").waitFor();
    }));

  test("arrow keys in the drill choose, and turn no page; the state survives a reload", () =>
    lab.open(PAGE, async (page) => {
      const drill = page.locator("crash-drill");
      await drill.getByRole("radio", { name: "a pool of threads" }).focus();
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("ArrowRight");
      assert.ok(await drill.getByRole("radio", { name: "multiprocessing.Pool" }).isChecked());
      assert.match(page.url(), /crash_isolation\.html/);
      await drill.getByRole("button", { name: "work" }).click();
      await page.reload();
      await drill.getByRole("status").filter({ hasText: "As you left it." }).waitFor();
      assert.ok(await drill.getByRole("radio", { name: "multiprocessing.Pool" }).isChecked());
      await drill.getByText("answered: 2").waitFor();
    }));

  test("the place kept free is as high as the drill, so nothing below it moves", async () => {
    for (const viewport of [{ width: 1280, height: 900 }, { width: 700, height: 900 }, PHONE]) {
      await lab.open(
        PAGE,
        async (page) => {
          const [kept, used] = await page.locator("crash-drill").evaluate((host) => {
            const widget = /** @type {HTMLElement} */ (host.querySelector(".widget"));
            return [parseFloat(getComputedStyle(host).minBlockSize), widget.getBoundingClientRect().height];
          });
          assert.ok(used <= kept + 1 && used >= 0.8 * kept, `${viewport.width} px: ${used} px high, ${kept} px kept`);
        },
        { viewport },
      );
    }
  });

  test("no violation of accessibility in any theme, on a desk and on a phone", async () => {
    for (const theme of THEMES) {
      for (const viewport of [undefined, PHONE]) {
        await lab.open(
          `${PAGE}?drill=executor.w.a4`,
          async (page) => {
            await page.addScriptTag({ content: AXE });
            const violations = await page.evaluate(async () => {
              // @ts-ignore axe is what the script above defines
              const { violations } = await axe.run("crash-drill", { resultTypes: ["violations"] });
              return violations.map((/** @type {any} */ rule) => `${rule.id}: ${rule.nodes[0].html}`);
            });
            assert.deepEqual(violations, [], theme);
            const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
            assert.ok(overflow <= 0, `${overflow} px too wide`);
            await page.locator("crash-drill").screenshot({ path: join(SCREENSHOTS, `drill-${theme}-${viewport ? "phone" : "desk"}.png`) });
          },
          { theme, ...(viewport ? { viewport } : {}) },
        );
      }
    }
  });

  test("forced colors, print and no JavaScript show the whole", async () => {
    await lab.open(
      `${PAGE}?drill=pool.w.w.w.w.w.a4`,
      async (page) => {
        await page.locator("crash-drill").screenshot({ path: join(SCREENSHOTS, "drill-forced-colors.png") });
      },
      { forcedColors: "active" },
    );
    await lab.open(PAGE, async (page) => {
      await page.emulateMedia({ media: "print" });
      assert.ok(await page.locator("crash-drill table").isVisible());
      assert.equal(await page.locator("crash-drill button:visible").count(), 0);
    });
    await lab.open(
      PAGE,
      async (page) => {
        assert.ok(await page.locator("crash-drill table").isVisible());
      },
      { javaScriptEnabled: false },
    );
  });
});

