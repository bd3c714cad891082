// What <byte-stream> plays: a writer, the bytes that the kernel holds, and a reader that looks for messages in them.

/** How the reader finds a message. @typedef {"read" | "frame"} Mode */
/** One byte: what it shows, and whether it belongs to a length. @typedef {{ text: string, isLength: boolean }} Byte */
/** What the reader took for a message, and whether it is the one that was sent. @typedef {{ text: string, isRight: boolean }} Received */
/**
 * `s1`: send the second word. `r3`: read up to 3 bytes; `ra`: all there are. `c`: close. `d`: the writer dies inside a message.
 *
 * @typedef {string} Move
 */

export const WORDS = ["hi", "hello", ""];
/** How many bytes a read may return; 0 means all there are. */
export const READS = [1, 3, 6, 0];
/** The length in front of a message, in bytes. */
export const HEADER = 4;

/** Moves that an address can hold without being too long for anybody. */
const MOST_MOVES = 120;
/** Bytes that the figure has room for. */
export const ROOM = 32;

export class Stream {
  /** @param {Mode} mode */
  constructor(mode) {
    this.mode = mode;
    /** @type {Move[]} */
    this.moves = [];
    /** @type {string[]} */
    this.sent = [];
    /** What the kernel holds. @type {Byte[]} */
    this.pipe = [];
    /** What the reader has read of a message that isn't whole yet. @type {Byte[]} */
    this.held = [];
    /** @type {Received[]} */
    this.received = [];
    /** @type {"open" | "closed" | "died"} */
    this.writer = "open";
    /** What the reader made of the end. @type {null | "clean" | "inside"} */
    this.end = null;
  }

  /** @param {string} word */
  #bytes(word) {
    const body = [...word].map((text) => ({ text, isLength: false }));
    if (this.mode === "read") {
      return body;
    }
    const length = Array.from({ length: HEADER }, (_, at) => (at === HEADER - 1 ? word.length : 0));
    return [...length.map((byte) => ({ text: byte.toString(16).padStart(2, "0"), isLength: true })), ...body];
  }

  /** Whether the figure has room for one more message. @param {string} word */
  hasRoom(word) {
    return this.writer === "open" && this.pipe.length + this.#bytes(word).length <= ROOM;
  }

  /** @param {number} which */
  send(which) {
    const word = WORDS[which] ?? "";
    this.moves.push(`s${which}`);
    this.sent.push(word);
    this.pipe.push(...this.#bytes(word));
  }

  close() {
    this.moves.push("c");
    this.writer = "closed";
  }

  /** The writer dies when only a part of “hello” is in the pipe: the length and three bytes of five. */
  die() {
    this.moves.push("d");
    this.pipe.push(...this.#bytes("hello").slice(0, -2));
    this.writer = "died";
  }

  /**
   * The kernel returns up to so many bytes, 0 for all there are. Says what the read returned, and which messages were
   * whole then; null where the read has nothing to return yet.
   *
   * @param {number} most
   * @returns {{ count: number, found: Received[] } | null}
   */
  read(most) {
    if (this.pipe.length === 0 && this.writer === "open") {
      return null;
    }
    this.moves.push(`r${most === 0 ? "a" : most}`);
    const bytes = this.pipe.splice(0, most === 0 ? this.pipe.length : most);
    if (bytes.length === 0) {
      this.end = this.held.length > 0 ? "inside" : "clean";
      return { count: 0, found: [] };
    }
    const found = this.mode === "read" ? [bytes.map(({ text }) => text).join("")] : this.#frames(bytes);
    const judged = found.map((text, at) => ({ text, isRight: this.sent[this.received.length + at] === text }));
    this.received.push(...judged);
    return { count: bytes.length, found: judged };
  }

  /**
   * Puts bytes behind those that are held, and takes out each message that is whole by now.
   *
   * @param {Byte[]} bytes
   */
  #frames(bytes) {
    this.held.push(...bytes);
    const found = [];
    for (let needs = this.needs(); needs !== null && this.held.length >= needs; needs = this.needs()) {
      const frame = this.held.splice(0, needs);
      found.push(
        frame
          .slice(HEADER)
          .map(({ text }) => text)
          .join(""),
      );
    }
    return found;
  }

  /** How many bytes the frame has that the reader is in; null while its length isn't whole. */
  needs() {
    if (this.held.length < HEADER) {
      return null;
    }
    return HEADER + this.held.slice(0, HEADER).reduce((sum, { text }) => sum * 256 + Number.parseInt(text, 16), 0);
  }

  /** The whole in a few letters, for the address; null when nothing has happened, or too much. */
  toText() {
    const isLong = this.moves.length > MOST_MOVES;
    return isLong || (this.moves.length === 0 && this.mode === "read") ? null : [this.mode, ...this.moves].join(".");
  }

  /**
   * What `toText` wrote; null for anything else.
   *
   * @param {string} text
   * @returns {Stream | null}
   */
  static fromText(text) {
    const [mode, ...moves] = text.split(".");
    if ((mode !== "read" && mode !== "frame") || moves.length > MOST_MOVES) {
      return null;
    }
    const stream = new Stream(mode);
    for (const move of moves) {
      const which = Number(move.slice(1));
      const isSend = /^s[012]$/.test(move) && stream.hasRoom(WORDS[which] ?? "");
      if (isSend) {
        stream.send(which);
      } else if (move === "c" && stream.writer === "open") {
        stream.close();
      } else if (move === "d" && stream.hasRoom("hello")) {
        stream.die();
      } else if (/^r([136]|a)$/.test(move) && stream.end === null) {
        if (stream.read(move === "ra" ? 0 : which) === null) {
          return null;
        }
      } else {
        return null;
      }
    }
    return stream;
  }
}
