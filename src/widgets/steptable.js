// The table of a schedule's steps: a column for each thread, and only those rows drawn that are in view.

import { el, set } from "./dom.js";
import { words } from "./schedule.js";

/** @typedef {import("./schedule.js").Schedule} Schedule */
/** @typedef {import("./schedule.js").Replay} Replay */

/** Rows drawn above and below those in view. */
const MARGIN = 12;

export class StepTable {
  #schedule;
  #isNamed;
  #head = el("tr");
  #body = el("tbody");
  #table = el("table", {}, el("thead", {}, this.#head), this.#body);
  /** Pixels; measured when the first rows are there. */
  #row = 32;
  #played = 0;
  #first = -1;

  /** @param {Schedule} schedule */
  constructor(schedule) {
    this.#schedule = schedule;
    this.#isNamed = schedule.initial.size > 1;
    this.#table.setAttribute("aria-rowcount", String(schedule.steps.length + 1));
    this.element = el(
      "div",
      { class: "stepper-schedule", tabindex: "0", role: "region", "aria-label": "the steps", onscroll: () => this.#draw(false) },
      this.#table,
    );
  }

  /**
   * Shows the state in the header, and brings the last step into view.
   *
   * @param {Replay} replay
   */
  show(replay) {
    this.#played = replay.taken;
    this.#drawHead(replay);
    this.#draw(true);
    const box = this.element;
    const top = Math.max(0, this.#played - 1) * this.#row;
    const view = box.clientHeight - this.#head.offsetHeight;
    if (top < box.scrollTop || top + this.#row > box.scrollTop + view) {
      box.scrollTop = Math.max(0, top - view / 2);
      this.#draw(true);
    }
  }

  /** @param {Replay} replay */
  #drawHead(replay) {
    this.#head.replaceChildren(el("th", { scope: "col" }, "step"));
    this.#schedule.threads.forEach((thread, index) => {
      const lane = replay.lanes.get(thread);
      const cell = el("th", { scope: "col", class: threadClass(thread, index) }, el("span", { class: "thread-name" }, thread));
      for (const [object, copy] of lane?.copies ?? []) {
        const isStale = replay.isStale(thread, object);
        const name = this.#isNamed ? `${object}: ` : "has ";
        cell.append(el("span", { class: isStale ? "copy copy-stale" : "copy" }, `${name}${copy.value}`, isStale ? " stale" : ""));
      }
      for (const [object, thing] of replay.things) {
        if (thing.holder === thread) {
          cell.append(el("span", { class: "copy copy-lock" }, `holds ${object}`));
        }
      }
      if (lane?.state) {
        cell.append(el("span", { class: `copy copy-${lane.state}` }, lane.state));
      }
      this.#head.append(cell);
    });
  }

  /** @param {boolean} isChanged whether to draw even if the same rows are in view */
  #draw(isChanged) {
    const { steps, threads } = this.#schedule;
    const view = this.element.clientHeight || 400;
    const first = Math.max(0, Math.floor(this.element.scrollTop / this.#row) - MARGIN);
    if (first === this.#first && !isChanged) {
      return;
    }
    this.#first = first;
    const last = Math.min(steps.length, first + Math.ceil(view / this.#row) + 2 * MARGIN);
    const rows = steps.slice(first, last).map((step, offset) => {
      const index = first + offset;
      const row = el("tr", {
        "aria-rowindex": String(index + 2),
        "data-done": index < this.#played,
        "aria-current": index === this.#played - 1 ? "step" : false,
      });
      row.append(el("th", { scope: "row" }, String(index + 1)));
      threads.forEach((thread, column) => {
        const cell = el("td");
        if (thread === step.thread) {
          cell.className = threadClass(thread, column);
          cell.append(this.#isNamed && step.object ? `${step.object}: ${words(step)}` : words(step));
          set(cell, "data-kind", step.kind);
          if (step.isStale) {
            cell.append(" ", el("span", { class: "copy copy-stale", title: "from a stale copy" }, "stale"));
          }
        }
        row.append(cell);
      });
      return row;
    });
    this.#body.replaceChildren(this.#gap(first), ...rows, this.#gap(steps.length - last));
    const height = rows[0]?.getBoundingClientRect().height ?? 0;
    if (height > 0 && Math.abs(height - this.#row) > 0.5) {
      this.#row = height;
      this.#first = -1;
      this.#draw(true);
    }
  }

  /** @param {number} rows rows that are not drawn */
  #gap(rows) {
    const gap = el("tr", { class: "stepper-gap", "aria-hidden": "true" });
    gap.style.height = `${rows * this.#row}px`;
    gap.hidden = rows === 0;
    return gap;
  }
}

/**
 * The class that gives a thread its color: A, B, and again from A; main has none.
 *
 * @param {string} thread
 * @param {number} index
 */
export function threadClass(thread, index) {
  if (thread === "main") {
    return "of-main";
  }
  const letter = thread.length === 1 ? thread.charCodeAt(0) - "A".charCodeAt(0) : index;
  return letter % 2 === 0 ? "of-thread-a" : "of-thread-b";
}
