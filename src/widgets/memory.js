// What <memory-pages> plays: the pages of one or two owners, and the frames behind them.

/**
 * `process`: a forked process. `objects`: the same, and each page holds a Python object with its reference count. `thread`: a
 * second thread.
 *
 * @typedef {"process" | "objects" | "thread"} Mode
 */
/** 0: the parent, or the main thread. 1: the child, or the second thread. @typedef {0 | 1} Side */
/** A piece of physical memory; a page is what a program sees of one. @typedef {{ id: number, value: number, refs: number }} Frame */
/** `f`: fork, or start the thread. `1w0`: the right side writes page 0. `0r3`: the left side reads page 3. @typedef {string} Move */

export const PAGES = 4;

/** Moves that an address can hold without being too long for anybody. */
const MOST_MOVES = 200;

export class Memory {
  /** @param {Mode} mode */
  constructor(mode) {
    this.mode = mode;
    /** @type {Move[]} */
    this.moves = [];
    /** @type {[Frame[], Frame[] | null]} what each side's pages point to; right: null before fork */
    this.sides = [Array.from({ length: PAGES }, (_, id) => ({ id, value: 10 * (id + 1), refs: 1 })), null];
  }

  get started() {
    return this.sides[1] !== null;
  }

  /** Forks, or starts the second thread. Copies pointers, no frames. */
  start() {
    this.moves.push("f");
    this.sides[1] = this.mode === "thread" ? this.sides[0] : [...this.sides[0]];
  }

  /** @param {number} page */
  shared(page) {
    return this.sides[1] !== null && this.sides[1][page] === this.sides[0][page];
  }

  /** How many frames are in use, and how many of them two page tables point to. */
  frames() {
    const pages = Array.from({ length: PAGES }, (_, page) => page);
    return {
      used: new Set(this.sides.flatMap((side) => side ?? [])).size,
      shared: this.mode === "thread" ? 0 : pages.filter((page) => this.shared(page)).length,
    };
  }

  /**
   * One side reads or writes a page. To read a Python object is to take a reference to it, and its count is on the page: a
   * write. Says whether the kernel had to copy the frame first.
   *
   * @param {Side} side
   * @param {number} page
   * @param {"read" | "write"} what
   * @returns {boolean}
   */
  touch(side, page, what) {
    const table = this.sides[side];
    const frame = table?.[page];
    if (!table || !frame) {
      return false;
    }
    this.moves.push(`${side}${what === "read" ? "r" : "w"}${page}`);
    if (what === "read" && this.mode !== "objects") {
      return false;
    }
    const copies = this.mode !== "thread" && this.shared(page);
    const own = copies ? { ...frame, id: PAGES + page } : frame;
    table[page] = own;
    if (what === "read") {
      own.refs += 1;
    } else {
      own.value += 1;
    }
    return copies;
  }

  /** The whole in a few letters, for the address; null when nothing has happened, or too much. */
  toText() {
    const isLong = this.moves.length > MOST_MOVES;
    return isLong || (this.moves.length === 0 && this.mode === "process") ? null : [this.mode, ...this.moves].join(".");
  }

  /**
   * What `toText` wrote; null for anything else.
   *
   * @param {string} text
   * @returns {Memory | null}
   */
  static fromText(text) {
    const [mode, ...moves] = text.split(".");
    if ((mode !== "process" && mode !== "objects" && mode !== "thread") || moves.length > MOST_MOVES) {
      return null;
    }
    const memory = new Memory(mode);
    for (const move of moves) {
      const match = /^([01])([rw])([0-3])$/.exec(move);
      if (move === "f" && !memory.started) {
        memory.start();
      } else if (match && (match[1] === "0" || memory.started)) {
        memory.touch(match[1] === "0" ? 0 : 1, Number(match[3]), match[2] === "r" ? "read" : "write");
      } else {
        return null;
      }
    }
    return memory;
  }
}
