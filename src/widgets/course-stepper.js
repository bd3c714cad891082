// <course-stepper>: threads and one counter, and the reader is the scheduler; also plays a schedule saved by a test.
//
// A schedule comes from a file that the reader picks, from `src`, or from a
// <script type="application/json"> inside the element; without one it is free play on `n += 1`, with as many threads
// as the attribute `threads` says (2 without).

import { el, freshId, keepArrows, putAside } from "./dom.js";
import { FreePlay } from "./freeplay.js";
import { Replay, parseSchedule, words } from "./schedule.js";
import { fromAddress, keepFile, keptFile, toAddress } from "./state.js";
import { StepTable, threadClass } from "./steptable.js";

/** @typedef {import("./schedule.js").Schedule} Schedule */
/** @typedef {{ turns: string, schedule: string, step: string }} Keys */

/** Bytes; 50,000 steps are about 5 MB. */
const LARGEST = 32 << 20;
/** Values of the history that are shown. */
const SHOWN = 6;

class CourseStepper extends HTMLElement {
  #stage = el("div", { class: "stepper-stage" });
  #status = el("p", { class: "widget-status", role: "status", "aria-live": "polite" });
  #title = el("p", { class: "stepper-title" });
  /** @type {Keys} */
  #keys = { turns: "turns", schedule: "schedule", step: "step" };
  /** @type {FreePlay} */
  #play = new FreePlay(2);
  /** @type {{ schedule: Schedule, table: StepTable, played: number } | null} */
  #shown = null;

  connectedCallback() {
    if (this.dataset.live !== undefined) {
      return;
    }
    this.dataset.live = "";
    const inline = this.querySelector('script[type="application/json"]')?.textContent;
    putAside(this);
    keepArrows(this);
    const others = [...document.querySelectorAll("course-stepper")].indexOf(this);
    if (others > 0) {
      this.#keys = { turns: `turns${others + 1}`, schedule: `schedule${others + 1}`, step: `step${others + 1}` };
    }
    const file = el("input", { type: "file", accept: ".json,application/json", id: freshId("schedule") });
    file.addEventListener("click", () => {
      file.value = ""; // so that the same file, saved anew, counts as a change
    });
    file.addEventListener("change", () => void this.#open(file));
    this.append(
      el(
        "div",
        { class: "widget", role: "group", "aria-label": "You are the scheduler of the threads" },
        this.#title,
        this.#stage,
        this.#status,
        el("p", { class: "stepper-file" }, el("label", { for: file.id }, "Play a schedule that a failing test saved in target/schedules/: "), file),
      ),
    );
    this.#play = new FreePlay(Number(this.getAttribute("threads") ?? 2), fromAddress(this.#keys.turns) ?? "");
    void this.#begin(inline ?? null);
  }

  /** @param {string | null} inline */
  async #begin(inline) {
    const src = this.getAttribute("src");
    const picked = fromAddress(this.#keys.schedule);
    const asked = Number(fromAddress(this.#keys.step) ?? 0);
    const step = Number.isSafeInteger(asked) ? asked : 0;
    if (picked !== null) {
      const text = await keptFile(this.#keys.schedule);
      if (text !== null && this.#load(text, picked, step)) {
        return;
      }
      toAddress({ [this.#keys.schedule]: null, [this.#keys.step]: null });
    }
    const isPlaying = fromAddress(this.#keys.turns) !== null;
    if (inline !== null && !isPlaying) {
      this.#load(inline, null, step);
      return;
    }
    this.#free();
    if (src && !isPlaying) {
      await this.#fetch(src, step);
    }
  }

  /** @param {HTMLInputElement} input */
  async #open(input) {
    const file = input.files?.[0];
    if (!file) {
      return;
    }
    if (file.size > LARGEST) {
      this.#refuse(`${file.name} is larger than ${LARGEST >> 20} MiB`);
      return;
    }
    const text = await file.text();
    if (this.#load(text, file.name)) {
      await keepFile(this.#keys.schedule, text);
    }
  }

  /**
   * @param {string} src
   * @param {number} step
   */
  async #fetch(src, step) {
    try {
      const answer = await fetch(src);
      if (!answer.ok) {
        throw new Error(`${src}: ${answer.status}`);
      }
      this.#load(await answer.text(), null, step);
    } catch (problem) {
      this.#refuse(problem);
    }
  }

  /**
   * Shows a schedule, and says whether it is one.
   *
   * @param {string} text
   * @param {string | null} name of the file that was picked
   * @param {number} [played]
   */
  #load(text, name, played = 0) {
    try {
      const schedule = parseSchedule(text);
      this.#shown = { schedule, table: new StepTable(schedule), played: Math.min(Math.max(0, played), schedule.steps.length) };
    } catch (problem) {
      this.#refuse(problem);
      return false;
    }
    toAddress({ [this.#keys.turns]: null, [this.#keys.schedule]: name });
    this.#buildSchedule(this.#shown.schedule);
    this.#draw();
    this.#say(played === 0 ? `${this.#shown.schedule.steps.length} steps. Press “next step”.` : "As you left it.");
    return true;
  }

  /** @param {unknown} problem */
  #refuse(problem) {
    this.#say(`The schedule cannot be shown: ${problem instanceof Error ? problem.message : problem}`);
  }

  /** @param {string} text */
  #say(text) {
    this.#status.textContent = text;
  }

  #free() {
    this.#shown = null;
    this.#title.textContent = `${this.#play.threads.length === 2 ? "Both" : "All"} threads run n += 1. You are the scheduler.`;
    const say = (/** @type {string} */ text, /** @type {string | null} */ turns) => {
      this.#say(text);
      toAddress({ [this.#keys.turns]: turns });
    };
    this.#stage.replaceChildren(this.#play.build(say));
  }

  // A saved schedule.

  #back = this.#button("one step back", () => this.#go(-1));
  #next = this.#button("next step", () => this.#go(1));
  #start = this.#button("to the beginning", () => this.#go(-Infinity));
  #end = this.#button("to the end", () => this.#go(Infinity));
  #slider = el("input", { type: "range", min: "0", "aria-label": "step", oninput: () => this.#go(Number(this.#slider.value) - (this.#shown?.played ?? 0)) });
  #values = el("div", { class: "stepper-values" });

  /** @param {Schedule} schedule */
  #buildSchedule(schedule) {
    this.#title.replaceChildren("A schedule saved by ", el("code", {}, schedule.test));
    this.#slider.max = String(schedule.steps.length);
    this.#next.classList.add("main-button");
    const leave = this.#button("free play", () => {
      toAddress({ [this.#keys.schedule]: null, [this.#keys.step]: null });
      this.#free();
      this.#play.focus();
    });
    const buttons = el("div", { class: "widget-buttons" }, this.#next, this.#back, this.#start, this.#end, leave);
    this.#stage.replaceChildren(this.#values, this.#shown?.table.element ?? "", this.#slider, buttons);
  }

  /** @param {number} by */
  #go(by) {
    const shown = this.#shown;
    if (!shown) {
      return;
    }
    const { steps, outcome } = shown.schedule;
    shown.played = Math.max(0, Math.min(steps.length, shown.played + by));
    this.#draw();
    const step = steps[shown.played - 1];
    const object = step?.object ? ` (${step.object})` : "";
    const stale = step?.isStale ? " It made this from a stale copy, so what was written meanwhile is lost." : "";
    const text = step ? `Step ${shown.played}: ${step.thread} ${words(step)}${object}.${stale}` : "At the beginning.";
    const isEnd = shown.played === steps.length;
    this.#say(isEnd && outcome ? `${text} That was the last one; the outcome: ${outcome}.` : text);
    toAddress({ [this.#keys.step]: shown.played === 0 ? null : String(shown.played) });
    // A button that was pressed and is disabled now has lost the focus.
    if (this.contains(document.activeElement) === false || document.activeElement === document.body) {
      (isEnd ? this.#back : this.#next).focus({ preventScroll: true });
    }
  }

  #draw() {
    const shown = this.#shown;
    if (!shown) {
      return;
    }
    const { schedule, table, played } = shown;
    const replay = Replay.after(schedule, played);
    this.#slider.value = String(played);
    const hadFocus = document.activeElement;
    this.#next.disabled = this.#end.disabled = played === schedule.steps.length;
    this.#back.disabled = this.#start.disabled = played === 0;
    if (hadFocus instanceof HTMLButtonElement && hadFocus.disabled) {
      hadFocus.blur();
    }
    this.#values.replaceChildren(
      ...[...replay.things].map(([object, thing]) => {
        const holder = thing.holder ? ` · held by ${thing.holder}` : "";
        return el(
          "p",
          { class: thing.isLock ? "thing thing-lock" : "thing" },
          el("span", {}, `${object} `, el("b", {}, thing.value || (thing.isLock ? "" : "?"))),
          holder,
          drawHistory(thing.history, schedule.threads),
        );
      }),
    );
    table.show(replay);
  }

  /**
   * @param {string} text
   * @param {() => void} act
   */
  #button(text, act) {
    return el("button", { type: "button", onclick: act }, text);
  }
}

/**
 * How a value came to be what it is: the last few, and by whom.
 *
 * @param {import("./schedule.js").Change[]} history
 * @param {string[]} threads
 */
function drawHistory(history, threads) {
  const list = el("span", { class: "value-history" });
  if (history.length < 2) {
    return list;
  }
  if (history.length > SHOWN) {
    list.append("… → ");
  }
  history.slice(-SHOWN).forEach(({ thread, value }, index) => {
    list.append(index > 0 ? " → " : "", value || "?");
    if (thread) {
      list.append(" ", el("span", { class: `by ${threadClass(thread, threads.indexOf(thread))}` }, thread));
    }
  });
  return list;
}

if (!customElements.get("course-stepper")) {
  customElements.define("course-stepper", CourseStepper);
}
