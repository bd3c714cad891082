// <course-stepper>: two threads and one counter, and the reader is the scheduler; also plays a schedule saved by a test.
//
// A schedule comes from a file that the reader picks, from `src`, or from a
// <script type="application/json"> inside the element; without one it is free play on `n += 1`.

import { el, freshId, putAside } from "./dom.js";

/** One step of a thread. @typedef {{ thread: string, op: string, object: string, value?: string }} Step */
/** What a failing test saves. @typedef {{ test: string, threads: string[], steps: Step[], outcome: string }} Schedule */

/** Bytes; a schedule that a person can follow is far smaller. */
const LARGEST = 1 << 20;

/** What `n += 1` is made of. `next` is the local value after the step. */
const PROGRAM = /** @type {const} */ (["load n", "add 1", "store n"]);

/**
 * Reads a schedule, or throws an Error that says what is wrong with it.
 *
 * @param {string} text
 * @returns {Schedule}
 */
export function parseSchedule(text) {
  /** @type {unknown} */
  let data;
  try {
    data = JSON.parse(text);
  } catch {
    throw new Error("this is no JSON; pick a file from target/schedules/");
  }
  /** @param {unknown} value @returns {value is Record<string, unknown>} */
  const isObject = (value) => typeof value === "object" && value !== null;
  if (!isObject(data) || !Array.isArray(data.steps) || data.steps.length === 0) {
    throw new Error("this file has no steps; pick one from target/schedules/");
  }
  const steps = data.steps.map((step, index) => {
    if (!isObject(step) || typeof step.thread !== "string" || typeof step.op !== "string") {
      throw new Error(`step ${index + 1} has no thread and op`);
    }
    /** @type {Step} */
    const read = { thread: step.thread, op: step.op, object: typeof step.object === "string" ? step.object : "" };
    if (typeof step.value === "string" || typeof step.value === "number") {
      read.value = String(step.value);
    }
    return read;
  });
  return {
    test: typeof data.test === "string" ? data.test : "a schedule",
    // main before A before B, whoever stepped first
    threads: [...new Set(steps.map((step) => step.thread))].sort((a, b) => (a === "main" ? -1 : b === "main" ? 1 : a < b ? -1 : 1)),
    steps,
    outcome: typeof data.outcome === "string" ? data.outcome : "",
  };
}

/**
 * What a step saw and left: "reads 0", "writes 1", "adds 2 to 5", or "load" and "store" with a value.
 *
 * @param {Step} step
 * @returns {{ before?: string, after?: string, local?: string }}
 */
export function effect(step) {
  const text = step.value === undefined ? step.op : `${step.op} ${step.value}`;
  const [, verb = "", first, second] = /^(\w+)(?: (\d+))?(?: \w+ (\d+))?/.exec(text) ?? [];
  switch (verb) {
    case "reads":
    case "load":
      return first === undefined ? {} : { before: first, after: first, local: first };
    case "writes":
    case "store":
      return first === undefined ? {} : { after: first };
    case "adds":
      return first === undefined || second === undefined
        ? {}
        : { before: second, after: String(BigInt(second) + BigInt(first)), local: second };
    case "subtracts":
      return first === undefined || second === undefined
        ? {}
        : { before: second, after: String(BigInt.asUintN(64, BigInt(second) - BigInt(first))), local: second };
    case "swaps":
    case "replaces":
      return first === undefined || second === undefined ? {} : { before: first, after: second, local: first };
    case "finds":
      return first === undefined ? {} : { before: first, after: first, local: first };
    default:
      return {};
  }
}

class CourseStepper extends HTMLElement {
  #stage = el("div", { class: "stepper-stage" });
  #status = el("p", { class: "widget-status", role: "status", "aria-live": "polite" });
  #title = el("p", { class: "stepper-title" });
  /** Whose turn it was, in free play. @type {("A" | "B")[]} */
  #turns = [];
  /** @type {Schedule | null} */
  #schedule = null;
  /** How many steps of the schedule were played. */
  #played = 0;

  connectedCallback() {
    if (this.dataset.live !== undefined) {
      return;
    }
    this.dataset.live = "";
    const inline = this.querySelector('script[type="application/json"]')?.textContent;
    putAside(this);
    const file = el("input", { type: "file", accept: ".json,application/json", id: freshId("schedule") });
    file.addEventListener("change", () => void this.#open(file));
    this.append(
      el(
        "div",
        { class: "widget", role: "group", "aria-label": "You are the scheduler of two threads" },
        this.#title,
        this.#stage,
        this.#status,
        el("p", { class: "stepper-file" }, el("label", { for: file.id }, "Play a saved schedule, from target/schedules/: "), file),
      ),
    );
    const src = this.getAttribute("src");
    if (inline) {
      this.#load(inline);
    } else if (src) {
      this.#free();
      void this.#fetch(src);
    } else {
      this.#free();
    }
  }

  /** @param {HTMLInputElement} input */
  async #open(input) {
    const file = input.files?.[0];
    if (!file) {
      return;
    }
    if (file.size > LARGEST) {
      this.#say(`${file.name}: too large for a schedule`);
      return;
    }
    this.#load(await file.text());
  }

  /** @param {string} src */
  async #fetch(src) {
    try {
      const answer = await fetch(src);
      if (!answer.ok) {
        throw new Error(`${src}: ${answer.status}`);
      }
      this.#load(await answer.text());
    } catch (problem) {
      this.#say(`The schedule cannot be shown: ${problem instanceof Error ? problem.message : problem}`);
    }
  }

  /** @param {string} text */
  #load(text) {
    try {
      this.#schedule = parseSchedule(text);
      this.#played = 0;
      this.#drawSchedule();
      this.#say(`${this.#schedule.steps.length} steps. Press “next step”.`);
    } catch (problem) {
      this.#say(`The schedule cannot be shown: ${problem instanceof Error ? problem.message : problem}`);
    }
  }

  /** @param {string} text */
  #say(text) {
    this.#status.textContent = text;
  }

  // Free play.

  #free() {
    this.#schedule = null;
    this.#turns = [];
    this.#drawFree();
    this.#say("Both threads run n += 1, and n is 0. You decide who takes the next step.");
  }

  /** The state after the turns so far. */
  #state() {
    const state = { n: 0, done: { A: 0, B: 0 }, local: { A: /** @type {number | null} */ (null), B: /** @type {number | null} */ (null) } };
    let told = "";
    for (const who of this.#turns) {
      const local = state.local[who] ?? 0;
      switch (PROGRAM[state.done[who]]) {
        case "load n":
          state.local[who] = state.n;
          told = `${who} loads n: its copy is ${state.n}.`;
          break;
        case "add 1":
          state.local[who] = local + 1;
          told = `${who} adds 1 to its copy: ${local + 1}. n is still ${state.n}.`;
          break;
        default:
          told = `${who} stores its copy: n was ${state.n} and is ${local}.`;
          state.n = local;
      }
      state.done[who] += 1;
    }
    return { ...state, told };
  }

  /** @param {"A" | "B"} who */
  #turn(who) {
    this.#turns.push(who);
    this.#drawFree();
    const { n, done, told } = this.#state();
    if (done.A + done.B < 2 * PROGRAM.length) {
      this.#say(told);
    } else if (n === 2) {
      this.#say(`${told} Both are done and n is 2: nothing was lost. Can you find an order that ends with 1?`);
    } else {
      this.#say(`${told} Both are done and n is 1: two additions, one lost.`);
    }
    this.#focus(who);
  }

  #undo() {
    this.#turns.pop();
    this.#drawFree();
    this.#say(this.#state().told || "Back at the beginning: n is 0.");
    this.#focus("undo");
  }

  #drawFree() {
    const { n, done, local } = this.#state();
    this.#title.textContent = "Both threads run n += 1. You are the scheduler.";
    const board = el("div", { class: "stepper-board" });
    for (const who of /** @type {const} */ (["A", "B"])) {
      const finished = done[who] === PROGRAM.length;
      const list = el("ol", { class: "stepper-program" });
      PROGRAM.forEach((step, index) => {
        const current = index === done[who];
        list.append(el("li", { "data-done": index < done[who], "aria-current": current ? "step" : false }, el("code", {}, step)));
      });
      board.append(
        el(
          "section",
          { class: "stepper-thread", "aria-label": `thread ${who}` },
          el("h5", {}, `thread ${who}`),
          list,
          el("p", {}, "its copy: ", el("b", {}, local[who] === null ? "none yet" : String(local[who]))),
          this.#button(finished ? `${who} is done` : `${who}’s turn`, who, finished, () => this.#turn(who)),
        ),
      );
      if (who === "A") {
        board.append(el("p", { class: "stepper-counter" }, "n ", el("b", {}, String(n))));
      }
    }
    const trace = el("p", { class: "stepper-trace" }, "turns so far: ", el("b", {}, this.#turns.join(" ") || "none"));
    const buttons = el(
      "div",
      { class: "widget-buttons" },
      this.#button("one step back", "undo", this.#turns.length === 0, () => this.#undo()),
      this.#button("start over", "reset", this.#turns.length === 0, () => {
        this.#free();
        this.#focus("A");
      }),
    );
    this.#stage.replaceChildren(board, trace, buttons);
  }

  // A saved schedule.

  /** @param {number} to */
  #play(to) {
    const schedule = this.#schedule;
    if (!schedule) {
      return;
    }
    const forward = to > this.#played;
    this.#played = Math.max(0, Math.min(schedule.steps.length, to));
    this.#drawSchedule();
    const step = schedule.steps[this.#played - 1];
    const end = this.#played === schedule.steps.length;
    const text = step ? `Step ${this.#played}: ${step.thread} ${words(step)}.` : "At the beginning.";
    this.#say(end && schedule.outcome ? `${text} That was the last one; the outcome: ${schedule.outcome}.` : text);
    this.#focus(forward && !end ? "next" : "back");
  }

  #drawSchedule() {
    const schedule = this.#schedule;
    if (!schedule) {
      return;
    }
    this.#title.replaceChildren("A schedule saved by ", el("code", {}, schedule.test));
    /** @type {Map<string, string>} */
    const objects = new Map();
    /** @type {Map<string, string>} */
    const locals = new Map();
    for (const step of schedule.steps) {
      if (step.object && !objects.has(step.object)) {
        objects.set(step.object, effect(step).before ?? "not written yet");
      }
    }
    for (const step of schedule.steps.slice(0, this.#played)) {
      const { after, local } = effect(step);
      if (after !== undefined && step.object) {
        objects.set(step.object, after);
      }
      if (local !== undefined) {
        locals.set(step.thread, local);
      }
    }
    const head = el("tr", {}, el("th", { scope: "col" }, "step"));
    for (const thread of schedule.threads) {
      head.append(el("th", { scope: "col" }, thread, el("small", {}, ` last read: ${locals.get(thread) ?? "–"}`)));
    }
    const body = el("tbody");
    schedule.steps.forEach((step, index) => {
      const row = el("tr", {
        "data-done": index < this.#played,
        "aria-current": index === this.#played - 1 ? "step" : false,
      });
      row.append(el("th", { scope: "row" }, String(index + 1)));
      for (const thread of schedule.threads) {
        row.append(el("td", {}, thread === step.thread ? words(step, objects.size > 1) : ""));
      }
      body.append(row);
    });
    const values = el("p", { class: "stepper-objects" });
    for (const [object, value] of objects) {
      values.append(el("span", {}, `${object} `, el("b", {}, value)));
    }
    const buttons = el(
      "div",
      { class: "widget-buttons" },
      this.#button("next step", "next", this.#played === schedule.steps.length, () => this.#play(this.#played + 1)),
      this.#button("one step back", "back", this.#played === 0, () => this.#play(this.#played - 1)),
      this.#button("to the beginning", "reset", this.#played === 0, () => this.#play(0)),
      this.#button("free play", "free", false, () => {
        this.#free();
        this.#focus("A");
      }),
    );
    const scroll = el("div", { class: "stepper-schedule", tabindex: "0", role: "region", "aria-label": "the steps" });
    scroll.append(el("table", {}, el("thead", {}, head), body));
    this.#stage.replaceChildren(values, scroll, buttons);
    body.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {string} text
   * @param {string} name
   * @param {boolean} disabled
   * @param {() => void} act
   */
  #button(text, name, disabled, act) {
    return el("button", { type: "button", "data-name": name, disabled, onclick: act }, text);
  }

  /**
   * Drawing anew loses the focus: gives it to the button that was pressed, or to one that still works.
   *
   * @param {string} name
   */
  #focus(name) {
    const pressed = this.#stage.querySelector(`button[data-name="${name}"]:not([disabled])`);
    const other = this.#stage.querySelector("button:not([disabled])");
    const button = pressed ?? other;
    if (button instanceof HTMLButtonElement) {
      button.focus({ preventScroll: true });
    }
  }
}

/**
 * A step in words. To name the object is of use only where there are several.
 *
 * @param {Step} step
 * @param {boolean} [named]
 */
function words(step, named = true) {
  const op = step.value === undefined ? step.op : `${step.op} ${step.value}`;
  return step.object && named ? `${op} (${step.object})` : op;
}

if (!customElements.get("course-stepper")) {
  customElements.define("course-stepper", CourseStepper);
}
