// Free play of <course-stepper>: threads that each run `n += 1`, and the reader says whose turn it is.

import { el, set } from "./dom.js";
import { threadClass } from "./steptable.js";

/** What `n += 1` is made of. */
const PROGRAM = /** @type {const} */ (["load n", "add 1", "store n"]);
/** Threads have a letter each. */
const MOST_THREADS = 8;

/** @typedef {{ thread: string, value: number }} Change */
/** @typedef {{ done: number, copy: number | null, loadedAt: number }} Lane */

export class FreePlay {
  /** Whose turn it was. @type {string[]} */
  #turns = [];
  /** @type {(text: string, turns: string | null) => void} */
  #say = () => undefined;
  #board = el("div", { class: "stepper-board" });
  #value = el("p", { class: "stepper-counter" });
  #trace = el("p", { class: "stepper-trace" });
  /** @type {Map<string, HTMLButtonElement>} */
  #buttons = new Map();
  #undo = el("button", { type: "button", onclick: () => this.#take(null) }, "one step back");
  #reset = el("button", { type: "button", onclick: () => this.#restart() }, "start over");

  /**
   * @param {number} threads how many
   * @param {string} [turns] those that were taken already, such as ABAB
   */
  constructor(threads, turns = "") {
    const count = Number.isInteger(threads) ? Math.min(Math.max(threads, 2), MOST_THREADS) : 2;
    this.threads = Array.from({ length: count }, (_, index) => String.fromCharCode("A".charCodeAt(0) + index));
    for (const thread of turns) {
      if (!this.threads.includes(thread) || this.#left(thread) === 0) {
        this.#turns = []; // not an address of ours
        break;
      }
      this.#turns.push(thread);
    }
  }

  /**
   * @param {(text: string, turns: string | null) => void} say
   * @returns {HTMLElement}
   */
  build(say) {
    this.#say = say;
    for (const thread of this.threads) {
      this.#buttons.set(thread, el("button", { type: "button", class: "main-button", onclick: () => this.#take(thread) }));
    }
    const buttons = el("div", { class: "widget-buttons" }, this.#undo, this.#reset);
    const stage = el("div", {}, this.#value, this.#board, this.#trace, buttons);
    this.#draw();
    this.#tell("");
    return stage;
  }

  focus() {
    this.#buttons.get("A")?.focus();
  }

  /** @param {string} thread */
  #left(thread) {
    return PROGRAM.length - this.#turns.filter((turn) => turn === thread).length;
  }

  #restart() {
    this.#turns = [];
    this.#draw();
    this.#tell("");
    this.focus();
  }

  /** @param {string | null} thread whose turn it is; null takes the last one back */
  #take(thread) {
    if (thread === null) {
      this.#turns.pop();
    } else {
      this.#turns.push(thread);
    }
    const { told } = this.#draw();
    this.#tell(told);
    // Drawing anew loses the focus: it goes to the button that was pressed, or to one that still works.
    const pressed = thread === null ? this.#undo : this.#buttons.get(thread);
    const works = [pressed, ...this.#buttons.values(), this.#undo].find((button) => button && !button.disabled);
    works?.focus({ preventScroll: true });
  }

  /** @param {string} told what the last turn did */
  #tell(told) {
    const { n } = this.#state();
    const all = this.threads.length;
    let text = told || `n is 0, and each of the ${all} threads adds 1. Say who takes the next step.`;
    if (this.#turns.length === all * PROGRAM.length) {
      text +=
        n === all
          ? ` All are done and n is ${n}: nothing was lost. Can you find an order that ends with less?`
          : ` All are done and n is ${n}: ${all} additions, ${all - n === 1 ? "one" : all - n} lost.`;
    }
    this.#say(text, this.#turns.join("") || null);
  }

  /** The state after the turns so far. */
  #state() {
    let n = 0;
    let told = "";
    /** @type {Map<string, Lane>} */
    const lanes = new Map(this.threads.map((thread) => [thread, { done: 0, copy: null, loadedAt: 0 }]));
    /** @type {Change[]} */
    const history = [{ thread: "", value: 0 }];
    for (const thread of this.#turns) {
      const lane = lanes.get(thread);
      if (!lane) {
        continue;
      }
      const copy = lane.copy ?? 0;
      switch (PROGRAM[lane.done]) {
        case "load n":
          lane.copy = n;
          lane.loadedAt = history.length;
          told = `${thread} loads n: its copy is ${n}.`;
          break;
        case "add 1":
          lane.copy = copy + 1;
          told = `${thread} adds 1 to its copy: ${copy + 1}. n is still ${n}.`;
          break;
        default: {
          const isStale = history.length > lane.loadedAt;
          told = `${thread} stores its copy: n was ${n} and is ${copy}.${isStale ? " The copy was stale." : ""}`;
          n = copy;
          history.push({ thread, value: n });
          lane.loadedAt = history.length;
        }
      }
      lane.done += 1;
    }
    return { n, lanes, history, told };
  }

  #draw() {
    const { n, lanes, history, told } = this.#state();
    this.#value.replaceChildren("n ", el("b", {}, String(n)), this.#history(history));
    this.#board.style.setProperty("--threads", String(this.threads.length));
    this.#board.replaceChildren(
      ...[...lanes].map(([thread, lane], index) => {
        const isDone = lane.done === PROGRAM.length;
        const isStale = lane.copy !== null && !isDone && history.length > lane.loadedAt;
        const list = el("ol", { class: "stepper-program" });
        PROGRAM.forEach((step, at) => {
          list.append(el("li", { "data-done": at < lane.done, "aria-current": at === lane.done ? "step" : false }, el("code", {}, step)));
        });
        const copy = el("span", { class: isStale ? "copy copy-stale" : "copy" }, lane.copy === null ? "none yet" : String(lane.copy));
        if (isStale) {
          copy.append(" stale");
        }
        const button = this.#buttons.get(thread);
        if (button) {
          button.textContent = isDone ? `${thread} is done` : `${thread}’s turn`;
          button.disabled = isDone;
        }
        return el(
          "div",
          { class: `stepper-thread ${threadClass(thread, index)}`, role: "group", "aria-label": `thread ${thread}` },
          el("p", { class: "thread-head" }, el("span", { class: "thread-sign", "aria-hidden": "true" }, thread), ` thread ${thread}`),
          list,
          el("p", {}, "its copy: ", copy),
          button ?? "",
        );
      }),
    );
    this.#trace.replaceChildren("turns so far: ", el("b", {}, this.#turns.join(" ") || "none"));
    set(this.#undo, "disabled", this.#turns.length === 0);
    set(this.#reset, "disabled", this.#turns.length === 0);
    return { told };
  }

  /** @param {Change[]} history */
  #history(history) {
    const list = el("span", { class: "value-history" }, "0");
    for (const { thread, value } of history.slice(1)) {
      list.append(` → ${value} `, el("span", { class: `by ${threadClass(thread, this.threads.indexOf(thread))}` }, thread));
    }
    return list;
  }
}
