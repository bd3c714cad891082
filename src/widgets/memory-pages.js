// <memory-pages>: fork, read, write, and watch the pages of parent and child split; or two threads and one set of pages.
//
// The element's own content (a table) is what readers without JavaScript see, and what is printed.

import { el, freshId, keepArrows, putAside, set, svg } from "./dom.js";
import { Memory, PAGES } from "./memory.js";
import { fromAddress, toAddress } from "./state.js";

/** @typedef {import("./memory.js").Mode} Mode */
/** @typedef {import("./memory.js").Side} Side */
/** @typedef {{ cell: HTMLElement, value: HTMLElement, refs: HTMLElement, buttons: Record<"read" | "write", HTMLButtonElement> }} PageView */
/** @typedef {{ box: HTMLElement, owner: HTMLElement, value: HTMLElement }} FrameView */

/** @type {Record<Mode, { choice: string, names: [string, string], kinds: [string, string], begin: string, table: string }>} */
const WORDS = {
  process: { choice: "a forked process", names: ["parent", "child"], kinds: ["parent", "child"], begin: "fork", table: "page table" },
  objects: {
    choice: "a forked process, with Python objects",
    names: ["parent", "child"],
    kinds: ["parent", "child"],
    begin: "fork",
    table: "page table",
  },
  thread: {
    choice: "a thread",
    names: ["main thread", "second thread"],
    kinds: ["thread-a", "thread-b"],
    begin: "start a thread",
    table: "same page table",
  },
};

const SIDES = /** @type {const} */ ([0, 1]);

class MemoryPages extends HTMLElement {
  /** @type {Memory} */
  #memory = new Memory("process");
  #board = el("div", { class: "pages-board" });
  #wires = svg("svg", { class: "pages-wires", "aria-hidden": "true", focusable: "false" });
  #status = el("p", { class: "widget-status", role: "status", "aria-live": "polite" });
  #counts = el("small");
  #begin = el("button", { type: "button", class: "main-button", onclick: () => this.#start() });
  #reset = el("button", { type: "button", onclick: () => this.#restart(this.#memory.mode) }, "start over");
  /** @type {[HTMLElement, HTMLElement]} */
  #heads = [el("div", { class: "pages-head" }), el("div", { class: "pages-head" })];
  /** @type {[PageView[], PageView[]]} */
  #pages = [[], []];
  /** The first four stand beside their pages, the others are copies. @type {FrameView[]} */
  #frames = [];
  /** @type {[SVGPathElement[], SVGPathElement[]]} */
  #paths = [[], []];
  /** @type {HTMLInputElement[]} */
  #choices = [];
  /** The name of this element's state in the address. */
  #key = "pages";

  connectedCallback() {
    if (this.dataset.live !== undefined) {
      return;
    }
    this.dataset.live = "";
    putAside(this);
    keepArrows(this);
    const others = [...document.querySelectorAll("memory-pages")].indexOf(this);
    this.#key = others > 0 ? `pages${others + 1}` : "pages";
    const name = freshId("pages-mode");
    const choice = el("fieldset", { class: "widget-choice" }, el("legend", {}, "Who is the second one?"));
    for (const [value, words] of /** @type {[Mode, typeof WORDS.process][]} */ (Object.entries(WORDS))) {
      const input = el("input", { type: "radio", name, value, onchange: () => this.#restart(value) });
      this.#choices.push(input);
      choice.append(el("label", {}, input, ` ${words.choice}`));
    }
    this.#build();
    this.append(
      el(
        "div",
        { class: "widget", role: "group", "aria-label": "Pages of memory: fork, read, write, and see who sees it" },
        choice,
        el("div", { class: "widget-buttons" }, this.#begin, this.#reset),
        this.#board,
        this.#status,
      ),
    );
    const kept = Memory.fromText(fromAddress(this.#key) ?? "");
    const asked = this.getAttribute("mode");
    const mode = asked === "thread" || asked === "objects" ? asked : "process";
    if (kept) {
      this.#memory = kept;
      this.#draw();
      this.#say("As you left it.");
    } else {
      this.#restart(mode);
    }
    new ResizeObserver(() => this.#drawWires()).observe(this.#board);
  }

  #build() {
    const frames = el("div", { class: "pages-frames", "aria-hidden": "true" });
    const columns = SIDES.map((side) => {
      const column = el("div", { class: "pages-column" });
      for (let page = 0; page < PAGES; page += 1) {
        const value = el("b");
        const refs = el("small");
        const [read, write] = /** @type {const} */ (["read", "write"]).map((what) =>
          el("button", { type: "button", onclick: () => this.#touch(side, page, what) }, what),
        );
        if (read && write) {
          const head = el("div", { class: "pages-value" }, el("span", {}, `page ${page}`), value, refs);
          const cell = el("div", { class: "pages-page" }, head, el("div", { class: "pages-buttons" }, read, write));
          this.#pages[side].push({ cell, value, refs, buttons: { read, write } });
          column.append(cell);
        }
        const path = svg("path");
        this.#paths[side].push(path);
        this.#wires.append(path);
      }
      return column;
    });
    // Beside each page its frame, and below that the place for a copy.
    for (let slot = 0; slot < 2 * PAGES; slot += 1) {
      const [owner, value] = [el("span"), el("b")];
      const box = el("div", { class: "frame" }, owner, value);
      this.#frames.push({ box, owner, value });
    }
    for (let page = 0; page < PAGES; page += 1) {
      const pair = [this.#frames[page], this.#frames[PAGES + page]].flatMap((frame) => (frame ? [frame.box] : []));
      frames.append(el("div", { class: "pages-pair" }, ...pair));
    }
    const [left = "", right = ""] = columns;
    const middle = el("div", { class: "pages-head" }, "physical memory", this.#counts);
    this.#board.append(this.#heads[0], middle, this.#heads[1], left, frames, right, this.#wires);
  }

  /** @param {Mode} mode */
  #restart(mode) {
    this.#memory = new Memory(mode);
    this.#changed();
    const first = mode === "thread" ? "One thread. Start a second one." : "One process. Fork it.";
    const then = mode === "objects" ? "Each page holds a Python object and its reference count. Then read." : "Then read and write.";
    this.#say(`${first} ${then}`);
  }

  #start() {
    const memory = this.#memory;
    memory.start();
    this.#changed();
    this.#pages[1][0]?.buttons.read.focus(); // the button that was pressed is disabled now
    this.#say(
      memory.mode === "thread"
        ? "A second thread runs. It got its own stack and registers, but no page table: both use the same pages. Now write to one, on either side."
        : `Forked. The child got its own page table. It points to the same ${PAGES} frames: no frame was copied. Now ${
            memory.mode === "objects" ? "let either side read an object." : "read or write a page, on either side."
          }`,
    );
  }

  /**
   * @param {Side} side
   * @param {number} page
   * @param {"read" | "write"} what
   */
  #touch(side, page, what) {
    const memory = this.#memory;
    const { names } = WORDS[memory.mode];
    const wasAlone = memory.started && !memory.shared(page);
    const copied = memory.touch(side, page, what);
    this.#changed();
    const frame = memory.sides[side]?.[page];
    const other = memory.sides[side === 0 ? 1 : 0]?.[page];
    const [who, theOther] = [names[side], names[side === 0 ? 1 : 0]];
    const isCount = what === "read" && memory.mode === "objects";
    const act = isCount
      ? `The ${who} looks at the object on page ${page}: its reference count becomes ${frame?.refs}.`
      : what === "read"
        ? `The ${who} reads ${frame?.value} from page ${page}.`
        : `The ${who} writes ${frame?.value} to page ${page}.`;
    const sees = isCount ? `the count ${other?.refs}` : String(other?.value);
    if (what === "read" && !isCount) {
      this.#say(`${act} Reading bytes changes nothing, so nothing is copied.`);
    } else if (!memory.started) {
      this.#say(`${act} There is no one else to see it.`);
    } else if (copied) {
      const why = isCount ? "That is a write, and the frame was shared" : "The frame was shared";
      this.#say(`${act} ${why}, so the kernel copied it first: the ${theOther} still sees ${sees}.`);
    } else if (wasAlone) {
      this.#say(`${act} The frame is its own already, so nothing is copied: the ${theOther} still sees ${sees}.`);
    } else {
      this.#say(`${act} Both use one frame: the ${theOther} sees ${sees} at once.`);
    }
  }

  /** @param {string} text */
  #say(text) {
    const { used } = this.#memory.frames();
    this.#status.textContent = `${text} Frames in use: ${used}.`;
  }

  #changed() {
    toAddress({ [this.#key]: this.#memory.toText() });
    this.#draw();
  }

  #draw() {
    const memory = this.#memory;
    const { names, kinds, begin, table } = WORDS[memory.mode];
    for (const input of this.#choices) {
      input.checked = input.value === memory.mode;
    }
    this.#begin.textContent = begin;
    this.#begin.disabled = memory.started;
    this.#reset.disabled = memory.moves.length === 0;
    set(this.#board, "data-mode", memory.mode);
    set(this.#board, "data-started", memory.started);
    const { used, shared } = memory.frames();
    this.#counts.textContent = memory.started && memory.mode !== "thread" ? `${used} frames, ${shared} shared` : `${used} frames`;
    for (const side of SIDES) {
      const head = this.#heads[side];
      head.replaceChildren(names[side], el("small", {}, table));
      head.className = `pages-head of-${kinds[side]}`;
      set(head, "data-absent", !memory.sides[side]);
      this.#pages[side].forEach((view, page) => this.#drawPage(view, side, page));
    }
    this.#frames.forEach((view, slot) => this.#drawFrame(view, slot));
    this.#drawWires();
  }

  /**
   * @param {PageView} view
   * @param {Side} side
   * @param {number} page
   */
  #drawPage(view, side, page) {
    const { mode, sides } = this.#memory;
    const frame = sides[side]?.[page];
    const { names, kinds } = WORDS[mode];
    view.cell.className = `pages-page of-${kinds[side]}`;
    set(view.cell, "data-absent", !frame);
    view.value.textContent = frame ? String(frame.value) : "–";
    view.refs.textContent = frame && mode === "objects" ? `refs ${frame.refs}` : "";
    for (const [what, button] of Object.entries(view.buttons)) {
      button.disabled = !frame;
      const holds = frame ? `holds ${frame.value}${mode === "objects" ? `, reference count ${frame.refs}` : ""}` : "not there yet";
      button.setAttribute("aria-label", `${names[side]}, page ${page}, ${holds}: ${what}`);
    }
  }

  /**
   * @param {FrameView} view
   * @param {number} slot
   */
  #drawFrame(view, slot) {
    const { mode, started, sides } = this.#memory;
    const { names, kinds } = WORDS[mode];
    const users = SIDES.filter((side) => sides[side]?.some((frame) => frame.id === slot));
    const frame = SIDES.map((side) => sides[side]?.find((one) => one.id === slot)).find(Boolean);
    set(view.box, "data-absent", !frame);
    const [first = 0] = users;
    const isShared = users.length === 2;
    const isCopy = slot >= PAGES;
    view.box.className = `frame of-${isShared ? "shared" : kinds[mode === "thread" ? 0 : first]}`;
    view.owner.textContent = !frame
      ? ""
      : isShared
        ? mode === "thread"
          ? "one for both"
          : "shared ×2"
        : isCopy
          ? `${names[first]}’s copy`
          : started
            ? `${names[first]} only`
            : names[first];
    view.value.textContent = frame ? String(frame.value) : "";
    if (frame && mode === "objects") {
      view.value.append(el("small", {}, `refs ${frame.refs}`));
    }
  }

  /** Draws a pointer from each page to its frame. A pointer that has a new target moves there (the style sheet says how fast). */
  #drawWires() {
    const board = this.#board.getBoundingClientRect();
    if (board.width === 0) {
      return;
    }
    this.#wires.setAttribute("viewBox", `0 0 ${board.width} ${board.height}`);
    const { mode, sides } = this.#memory;
    for (const side of SIDES) {
      this.#paths[side].forEach((path, page) => {
        const frame = sides[side]?.[page];
        const [cell, box] = [this.#pages[side][page]?.cell, frame && this.#frames[frame.id]?.box];
        path.setAttribute("class", `wire of-${WORDS[mode].kinds[side]}`);
        if (!cell || !box) {
          set(path, "data-absent", true);
          return;
        }
        set(path, "data-absent", false);
        const [from, to] = [cell.getBoundingClientRect(), box.getBoundingClientRect()];
        const [x1, x2] = side === 0 ? [from.right, to.left] : [from.left, to.right];
        const [y1, y2] = [(from.top + from.bottom) / 2 - board.top, (to.top + to.bottom) / 2 - board.top];
        const [a, b] = [x1 - board.left, x2 - board.left];
        const middle = (a + b) / 2;
        path.setAttribute("d", `M ${a} ${y1} C ${middle} ${y1} ${middle} ${y2} ${b} ${y2}`);
      });
    }
  }
}

if (!customElements.get("memory-pages")) {
  customElements.define("memory-pages", MemoryPages);
}
