// What <shared-ring> plays: a ring of slots in shared memory, a producer that fills them and a consumer that empties them.

/** `p`: put. `t`: take. `P`, `C`: the producer, the consumer is killed. @typedef {"p" | "t" | "P" | "C"} Move */
/** @typedef {"awake" | "asleep" | "dead"} State */
/** @typedef {"producer" | "consumer"} Who */

export const SLOTS = 4;

/** Moves that an address can hold without being too long for anybody. */
const MOST_MOVES = 200;

export class Ring {
  constructor() {
    /** @type {Move[]} */
    this.moves = [];
    /** How many were put and how many were taken, ever. */
    this.tail = 0;
    this.head = 0;
    /** @type {Record<Who, State>} */
    this.states = { producer: "awake", consumer: "awake" };
    /** How often one side had to ask the kernel to wake the other. */
    this.wakeups = 0;
  }

  get used() {
    return this.tail - this.head;
  }

  /** The number in a slot: the messages are 1, 2, 3, … What was taken stays there until it is overwritten. @param {number} slot */
  content(slot) {
    const last = this.tail - 1 - ((((this.tail - 1 - slot) % SLOTS) + SLOTS) % SLOTS);
    return last < 0 ? null : { number: last + 1, isTaken: last < this.head };
  }

  /**
   * One side moves on: the producer puts, the consumer takes. Says whether it did, and whether it woke the other one; it
   * falls asleep where it can’t.
   *
   * @param {Who} who
   * @returns {{ done: boolean, woke: boolean }}
   */
  act(who) {
    this.moves.push(who === "producer" ? "p" : "t");
    const other = who === "producer" ? "consumer" : "producer";
    if (who === "producer" ? this.used === SLOTS : this.used === 0) {
      this.states[who] = "asleep";
      return { done: false, woke: false };
    }
    if (who === "producer") {
      this.tail += 1;
    } else {
      this.head += 1;
    }
    const woke = this.states[other] === "asleep";
    if (woke) {
      this.states[other] = "awake";
      this.wakeups += 1;
    }
    return { done: true, woke };
  }

  /** @param {Who} who */
  kill(who) {
    this.moves.push(who === "producer" ? "P" : "C");
    this.states[who] = "dead";
  }

  /** The whole in a few letters, for the address; null when nothing has happened, or too much. */
  toText() {
    return this.moves.length === 0 || this.moves.length > MOST_MOVES ? null : this.moves.join("");
  }

  /**
   * What `toText` wrote; null for anything else.
   *
   * @param {string} text
   * @returns {Ring | null}
   */
  static fromText(text) {
    if (!/^[ptPC]+$/.test(text) || text.length > MOST_MOVES) {
      return null;
    }
    const ring = new Ring();
    for (const move of text) {
      const who = move.toLowerCase() === "p" ? "producer" : "consumer";
      const isKill = move !== move.toLowerCase();
      if (ring.states[who] === "dead" || (!isKill && ring.states[who] === "asleep")) {
        return null;
      }
      if (isKill) {
        ring.kill(who);
      } else {
        ring.act(who);
      }
    }
    return ring;
  }
}
