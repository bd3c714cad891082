// <memory-pages>: fork, write, and watch the pages of parent and child split; or two threads and one set of pages.
//
// The element's own content (a table) is what readers without JavaScript see, and what is printed.

import { el, freshId, putAside } from "./dom.js";

/** @typedef {"process" | "thread"} Mode */
/** @typedef {0 | 1} Side left: parent or main thread; right: child or second thread */

/**
 * A frame is a piece of physical memory; a page is what a program sees of one.
 *
 * @typedef {{ id: number, value: number }} Frame
 */

/** @type {Record<Mode, { names: [string, string], begin: string, table: string }>} */
const WORDS = {
  process: { names: ["parent", "child"], begin: "fork", table: "page table" },
  thread: { names: ["main thread", "second thread"], begin: "start a thread", table: "sees" },
};

const PAGES = 4;

/** The pages of one or two owners, and the frames behind them. */
export class Memory {
  /** @param {Mode} mode */
  constructor(mode) {
    this.mode = mode;
    this.next = PAGES;
    /** @type {[Frame[], Frame[] | null]} what each side's pages point to; right: null before fork */
    this.sides = [Array.from({ length: PAGES }, (_, id) => ({ id, value: 10 * (id + 1) })), null];
  }

  get started() {
    return this.sides[1] !== null;
  }

  /** Forks, or starts the second thread. Copies pointers, no frames. */
  start() {
    this.sides[1] = this.mode === "process" ? [...this.sides[0]] : this.sides[0];
  }

  /**
   * @param {number} page
   */
  shared(page) {
    return this.sides[1] !== null && this.sides[1][page] === this.sides[0][page];
  }

  /** How many frames are in use. */
  frames() {
    return new Set(this.sides.flatMap((side) => side ?? [])).size;
  }

  /**
   * One side adds 1 to a page. Says whether the kernel had to copy a frame first.
   *
   * @param {Side} side
   * @param {number} page
   * @returns {boolean}
   */
  write(side, page) {
    const table = this.sides[side];
    const frame = table?.[page];
    if (!table || !frame) {
      return false;
    }
    const copies = this.mode === "process" && this.shared(page);
    if (copies) {
      table[page] = { id: this.next, value: frame.value + 1 };
      this.next += 1;
    } else {
      frame.value += 1;
    }
    return copies;
  }
}

class MemoryPages extends HTMLElement {
  /** @type {Memory} */
  #memory = new Memory("process");
  #board = el("div", { class: "pages-board" });
  #status = el("p", { class: "widget-status", role: "status", "aria-live": "polite" });
  #begin = el("button", { type: "button", onclick: () => this.#start() });

  connectedCallback() {
    if (this.dataset.live !== undefined) {
      return;
    }
    this.dataset.live = "";
    putAside(this);
    /** @type {Mode} */
    const mode = this.getAttribute("mode") === "thread" ? "thread" : "process";
    const name = freshId("pages-mode");
    const choice = el("fieldset", { class: "widget-choice" }, el("legend", {}, "Who is the second one?"));
    for (const [value, text] of /** @type {[Mode, string][]} */ ([["process", "a forked process"], ["thread", "a thread"]])) {
      choice.append(
        el(
          "label",
          {},
          el("input", { type: "radio", name, value, checked: value === mode, onchange: () => this.#reset(value) }),
          ` ${text}`,
        ),
      );
    }
    this.append(
      el(
        "div",
        { class: "widget", role: "group", "aria-label": "Pages of memory: fork, write, and see who sees it" },
        choice,
        el(
          "div",
          { class: "widget-buttons" },
          this.#begin,
          el("button", { type: "button", onclick: () => this.#reset(this.#memory.mode) }, "start over"),
        ),
        this.#board,
        this.#status,
      ),
    );
    this.#reset(mode);
  }

  /** @param {Mode} mode */
  #reset(mode) {
    this.#memory = new Memory(mode);
    this.#draw();
    const first = mode === "process" ? "One process. Fork it." : "One thread. Start a second one.";
    this.#say(`${first} Or write to a page: press it.`);
  }

  #start() {
    const memory = this.#memory;
    memory.start();
    this.#draw();
    this.#button(1, 0)?.focus(); // the button that was pressed is disabled now
    this.#say(
      memory.mode === "process"
        ? `Forked. The child got a page table of its own, and it points to the same ${PAGES} frames: no frame was copied. Now write to a page, on either side.`
        : `A second thread runs. It got a stack and registers of its own, and no page table: both look at the same pages. Now write to a page, on either side.`,
    );
  }

  /**
   * @param {Side} side
   * @param {number} page
   */
  #write(side, page) {
    const memory = this.#memory;
    const { names } = WORDS[memory.mode];
    const wasAlone = memory.started && !memory.shared(page);
    const copied = memory.write(side, page);
    this.#draw();
    this.#button(side, page)?.focus();
    const value = memory.sides[side]?.[page]?.value;
    const other = memory.sides[side === 0 ? 1 : 0]?.[page]?.value;
    const who = `The ${names[side]} writes ${value} to page ${page}.`;
    const theOther = names[side === 0 ? 1 : 0];
    if (!memory.started) {
      this.#say(`${who} Nobody else is there to see it.`);
    } else if (copied) {
      this.#say(`${who} The frame was shared, so the kernel copied it first: the ${theOther} still sees ${other}.`);
    } else if (wasAlone) {
      this.#say(`${who} The frame is its own already, so nothing is copied: the ${theOther} still sees ${other}.`);
    } else {
      this.#say(`${who} There is one frame for both: the ${theOther} sees ${other} at once.`);
    }
  }

  /** @param {string} text */
  #say(text) {
    const frames = this.#memory.frames();
    this.#status.textContent = `${text} Frames in use: ${frames}.`;
  }

  /**
   * @param {Side} side
   * @param {number} page
   * @returns {HTMLElement | null}
   */
  #button(side, page) {
    return this.#board.querySelector(`[data-side="${side}"][data-page="${page}"]`);
  }

  #draw() {
    const memory = this.#memory;
    const { names, begin, table } = WORDS[memory.mode];
    this.#begin.textContent = begin;
    this.#begin.disabled = memory.started;
    this.#board.replaceChildren(
      el("div", { class: "pages-head" }, `${names[0]}`, el("small", {}, table)),
      el("div", { class: "pages-head" }, "physical memory", el("small", {}, "frames")),
      el("div", { class: "pages-head", "data-absent": !memory.started }, `${names[1]}`, el("small", {}, table)),
    );
    for (let page = 0; page < PAGES; page += 1) {
      const [left, right] = [memory.sides[0][page], memory.sides[1]?.[page]];
      const frames = el("div", { class: "pages-frames", "aria-hidden": "true" });
      if (left) {
        frames.append(this.#frame(left, right === left ? "shared" : "left"));
      }
      if (right && right !== left) {
        frames.append(this.#frame(right, "right"));
      }
      this.#board.append(this.#page(0, page), frames, this.#page(1, page));
    }
  }

  /**
   * @param {Side} side
   * @param {number} page
   */
  #page(side, page) {
    const frame = this.#memory.sides[side]?.[page];
    if (!frame) {
      return el("div", { class: "pages-page", "data-absent": true });
    }
    const who = WORDS[this.#memory.mode].names[side];
    const label = `${who}, page ${page}, holds ${frame.value}: write to it`;
    return el(
      "button",
      {
        type: "button",
        class: "pages-page",
        "data-side": String(side),
        "data-page": String(page),
        "aria-label": label,
        onclick: () => this.#write(side, page),
      },
      el("span", {}, `page ${page}`),
      el("b", {}, String(frame.value)),
    );
  }

  /**
   * @param {Frame} frame
   * @param {"shared" | "left" | "right"} place
   */
  #frame(frame, place) {
    const { mode, started } = this.#memory;
    const { names } = WORDS[mode];
    const owner = !started ? names[0] : place === "shared" ? "both" : names[place === "left" ? 0 : 1];
    return el("div", { class: `frame frame-${place}` }, el("b", {}, String(frame.value)), el("small", {}, owner));
  }
}

if (!customElements.get("memory-pages")) {
  customElements.define("memory-pages", MemoryPages);
}
