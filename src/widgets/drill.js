// What <crash-drill> plays: two workers carry out tasks, one of them fails, and the pool does what it does.
//
// The rules are those measured by `cargo course lab X1`. tests/browser/drill.test.js compares each with the record.

/** `sockets`: a pool with a socket for each worker. @typedef {"threads" | "executor" | "pool" | "sockets"} Mode */
/** @typedef {"exception" | "sys_exit" | "exit" | "sigsegv" | "sigkill"} Failure */
/**
 * What a failure does. `own`: the caller gets its task's exception. `silent`: the caller is told nothing. `reported`: the caller is
 * told that the task is lost. `broken`: the pool gives up. `gone`: the program ends.
 *
 * @typedef {"own" | "silent" | "reported" | "broken" | "gone"} Rule
 */
/** What became of a task. @typedef {"waits" | "runs" | "answered" | Rule} TaskState */
/** @typedef {{ task: number | null, generation: number, dead: boolean }} Worker */

/** @type {readonly Mode[]} */
export const MODES = ["threads", "executor", "pool", "sockets"];

/** @type {readonly Failure[]} */
export const FAILURES = ["exception", "sys_exit", "exit", "sigsegv", "sigkill"];

/**
 * What happens when a task fails; null where it was not measured.
 *
 * @type {Record<Mode, Record<Failure, Rule | null>>}
 */
export const RULES = {
  threads: { exception: "own", sys_exit: "own", exit: "gone", sigsegv: "gone", sigkill: "gone" },
  executor: { exception: "own", sys_exit: "own", exit: "broken", sigsegv: "broken", sigkill: "broken" },
  pool: { exception: "own", sys_exit: "silent", exit: "silent", sigsegv: "silent", sigkill: "silent" },
  sockets: { exception: "own", sys_exit: null, exit: "reported", sigsegv: "reported", sigkill: "reported" },
};

/** How many tasks come at a time. */
export const BATCH = 10;

/** Moves that an address can hold without being too long for anybody. */
const MOST_MOVES = 100;

/** @type {readonly TaskState[]} */
const LOST = ["reported", "broken", "silent", "gone"];

export class Drill {
  /** @param {Mode} mode */
  constructor(mode) {
    this.mode = mode;
    /** `w`: work. `a2`: failure 2 hits worker A. @type {string[]} */
    this.moves = [];
    /** @type {TaskState[]} */
    this.tasks = Array.from({ length: BATCH }, () => "waits");
    /** @type {[Worker, Worker]} */
    this.workers = [
      { task: null, generation: 1, dead: false },
      { task: null, generation: 1, dead: false },
    ];
    /** The idle worker of a Pool that holds the queue's lock: the one that became idle first. @type {number | null} */
    this.holder = null;
    /** `broken`: the executor refuses tasks. `frozen`: nobody can take any. `gone`: the program has ended. @type {"ok" | "broken" | "frozen" | "gone"} */
    this.pool = "ok";
    this.#take();
  }

  get lost() {
    return this.tasks.filter((state) => LOST.includes(state)).length;
  }

  /** @param {TaskState} state */
  count(state) {
    return this.tasks.filter((one) => one === state).length;
  }

  get allDone() {
    return this.tasks.every((state) => state !== "waits" && state !== "runs");
  }

  get canWork() {
    return this.pool === "ok";
  }

  /** Each worker answers its task and takes the next one; where no task is left, ten more come. */
  work() {
    this.moves.push("w");
    if (this.allDone) {
      this.#submit();
      return;
    }
    for (const worker of this.workers) {
      if (worker.task !== null) {
        this.tasks[worker.task] = "answered";
        worker.task = null;
      }
    }
    this.#take();
  }

  /**
   * Whether a failure can hit a worker now. An idle one carries out no code of yours: it can only be killed. An idle thread isn't
   * offered: killing it is killing the program.
   *
   * @param {number} which
   * @param {Failure} failure
   */
  canHit(which, failure) {
    const isBusy = this.workers[which]?.task !== null;
    return this.pool === "ok" && RULES[this.mode][failure] !== null && (isBusy || (failure === "sigkill" && this.mode !== "threads"));
  }

  /**
   * A failure hits a worker. If it was idle, ten more tasks come. Returns how many tasks that cost.
   *
   * @param {number} which
   * @param {Failure} failure
   * @returns {number}
   */
  hit(which, failure) {
    const worker = this.workers[which];
    if (!worker || !this.canHit(which, failure)) {
      return 0;
    }
    this.moves.push(`${which === 0 ? "a" : "b"}${FAILURES.indexOf(failure)}`);
    const before = this.lost;
    const rule = RULES[this.mode][failure];
    if (worker.task === null) {
      this.#loseIdle(which);
    } else if (rule === "gone" || rule === "broken") {
      this.#end(rule);
    } else if (rule !== null) {
      this.tasks[worker.task] = rule;
      worker.task = null;
      if (rule !== "own") {
        worker.generation += 1;
      }
      this.#take();
    }
    return this.lost - before;
  }

  /** @param {number} which */
  #loseIdle(which) {
    const worker = this.workers[which];
    if (!worker) {
      return;
    }
    const isHolder = this.mode === "pool" && this.holder === which;
    if (this.mode === "executor") {
      this.pool = "broken";
    } else {
      worker.generation += 1;
      if (isHolder) {
        this.pool = "frozen";
        this.holder = null;
      }
    }
    this.#submit();
  }

  /** Ten more tasks come. */
  #submit() {
    const state = this.pool === "broken" ? "broken" : this.pool === "frozen" ? "silent" : "waits";
    this.tasks.push(.../** @type {TaskState[]} */ (Array.from({ length: BATCH }, () => state)));
    if (this.pool === "broken") {
      for (const worker of this.workers) {
        worker.dead = true;
      }
    }
    this.#take();
  }

  /** @param {"gone" | "broken"} how */
  #end(how) {
    this.pool = how;
    this.tasks = this.tasks.map((state) => (state === "waits" || state === "runs" ? how : state));
    for (const worker of this.workers) {
      worker.task = null;
      worker.dead = true;
    }
  }

  /** Idle workers take the tasks that wait; who finds none is idle, and the first of them holds a Pool's lock. */
  #take() {
    if (this.pool !== "ok") {
      return;
    }
    for (const worker of this.workers) {
      const next = this.tasks.indexOf("waits");
      if (worker.task === null && next >= 0) {
        worker.task = next;
        this.tasks[next] = "runs";
      }
    }
    const idle = this.workers.flatMap((worker, which) => (worker.task === null ? [which] : []));
    if (this.holder === null || !idle.includes(this.holder)) {
      this.holder = this.mode === "pool" ? (idle[0] ?? null) : null;
    }
  }

  /** The whole in a few letters, for the address; null when nothing has happened, or too much. */
  toText() {
    const isLong = this.moves.length > MOST_MOVES;
    return isLong || (this.moves.length === 0 && this.mode === "threads") ? null : [this.mode, ...this.moves].join(".");
  }

  /**
   * What `toText` wrote; null for anything else.
   *
   * @param {string} text
   * @returns {Drill | null}
   */
  static fromText(text) {
    const [name, ...moves] = text.split(".");
    const mode = MODES.find((one) => one === name);
    if (!mode || moves.length > MOST_MOVES) {
      return null;
    }
    const drill = new Drill(mode);
    for (const move of moves) {
      const match = /^([ab])([0-4])$/.exec(move);
      const which = match?.[1] === "a" ? 0 : 1;
      const failure = FAILURES[Number(match?.[2])];
      if (move === "w" && drill.canWork) {
        drill.work();
      } else if (match && failure && drill.canHit(which, failure)) {
        drill.hit(which, failure);
      } else {
        return null;
      }
    }
    return drill;
  }
}
