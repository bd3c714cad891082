// <crash-drill>: say what a failure will cost, cause it, and see who survives and which tasks are lost.
//
// The element's own content (a table) is what readers without JavaScript see, and what is printed.

import { el, freshId, keepArrows, putAside, set } from "./dom.js";
import { BATCH, Drill, FAILURES, MODES, RULES } from "./drill.js";
import { fromAddress, toAddress } from "./state.js";

/** @typedef {import("./drill.js").Mode} Mode */
/** @typedef {import("./drill.js").Failure} Failure */
/** @typedef {import("./drill.js").TaskState} TaskState */

/** @type {Record<Mode, { choice: string, workers: string, kinds: [string, string] }>} */
const WORDS = {
  threads: { choice: "a pool of threads", workers: "thread", kinds: ["thread-a", "thread-b"] },
  executor: { choice: "ProcessPoolExecutor", workers: "process", kinds: ["child", "child"] },
  pool: { choice: "multiprocessing.Pool", workers: "process", kinds: ["child", "child"] },
  sockets: { choice: "a socket for each worker", workers: "process", kinds: ["child", "child"] },
};

/** @type {Record<Failure, { choice: string, act: string }>} */
const FAILS = {
  exception: { choice: "its task raises an exception", act: "raises an exception" },
  sys_exit: { choice: "its task calls sys.exit()", act: "calls sys.exit()" },
  exit: { choice: "its task calls os._exit()", act: "ends its process by os._exit()" },
  sigsegv: { choice: "its task causes a SIGSEGV", act: "reads through a bad pointer: SIGSEGV" },
  sigkill: { choice: "it is killed, by SIGKILL", act: "is killed" },
};

/** @type {Record<TaskState, { sign: string, word: string }>} */
const STATES = {
  waits: { sign: "", word: "waits" },
  runs: { sign: "", word: "is being carried out" },
  answered: { sign: "✓", word: "answered" },
  own: { sign: "!", word: "answered by its own exception" },
  reported: { sign: "✗", word: "lost, and its caller is told" },
  broken: { sign: "✗", word: "lost: BrokenProcessPool" },
  silent: { sign: "…", word: "lost: its caller waits forever" },
  gone: { sign: "✗", word: "lost with the program" },
};

const GUESSES = /** @type {const} */ (["none", "one", "more than one"]);
const NAMES = /** @type {const} */ (["A", "B"]);

/** @param {number} lost */
const guessFor = (lost) => (lost === 0 ? 0 : lost === 1 ? 1 : 2);

class CrashDrill extends HTMLElement {
  #drill = new Drill("threads");
  #key = "drill";
  /** @type {Failure} */
  #failure = "exception";
  /** @type {number | null} */
  #guess = null;
  #score = { right: 0, all: 0 };
  /** @type {HTMLInputElement[]} */
  #modes = [];
  /** @type {HTMLInputElement[]} */
  #failures = [];
  /** @type {HTMLInputElement[]} */
  #guesses = [];
  #board = el("div", { class: "drill-board" });
  #work = el("button", { type: "button", onclick: () => this.#doWork() });
  #hits = [0, 1].map((which) => el("button", { type: "button", class: "main-button", onclick: () => this.#doHit(which) }));
  #reset = el("button", { type: "button", onclick: () => this.#restart(this.#drill.mode) }, "start over");
  #status = el("p", { class: "widget-status", role: "status", "aria-live": "polite" });
  #counts = el("p", { class: "drill-counts" });

  connectedCallback() {
    if (this.dataset.live !== undefined) {
      return;
    }
    this.dataset.live = "";
    putAside(this);
    keepArrows(this);
    const others = [...document.querySelectorAll("crash-drill")].indexOf(this);
    this.#key = others > 0 ? `drill${others + 1}` : "drill";
    const modes = this.#fieldset(
      "Who carries out the tasks?",
      MODES.map((mode) => WORDS[mode].choice),
      this.#modes,
      (at) => this.#restart(MODES[at] ?? "threads"),
    );
    const failures = this.#fieldset(
      "What happens to a worker?",
      FAILURES.map((failure) => FAILS[failure].choice),
      this.#failures,
      (at) => this.#arm(FAILURES[at] ?? "exception"),
    );
    const guesses = this.#fieldset("Your prediction: how many tasks are lost?", GUESSES, this.#guesses, (at) => {
      this.#guess = at;
      this.#draw();
    });
    this.append(
      el(
        "div",
        { class: "widget", role: "group", "aria-label": "Crash drill: predict, then let a worker fail, and see what is lost" },
        modes,
        this.#board,
        this.#counts,
        el("div", { class: "drill-choices" }, failures, guesses),
        el("div", { class: "widget-buttons" }, this.#work, ...this.#hits, this.#reset),
        this.#status,
      ),
    );
    const kept = Drill.fromText(fromAddress(this.#key) ?? "");
    if (kept) {
      this.#drill = kept;
      this.#draw();
      this.#say("As you left it.");
    } else {
      this.#restart("threads");
    }
  }

  /**
   * @param {string} legend
   * @param {readonly string[]} choices
   * @param {HTMLInputElement[]} inputs filled in
   * @param {(at: number) => void} choose
   */
  #fieldset(legend, choices, inputs, choose) {
    const name = freshId("drill");
    const set = el("fieldset", { class: "widget-choice" }, el("legend", {}, legend));
    choices.forEach((choice, at) => {
      const input = el("input", { type: "radio", name, value: String(at), onchange: () => choose(at) });
      inputs.push(input);
      set.append(el("label", {}, input, ` ${choice}`));
    });
    return set;
  }

  /** @param {Mode} mode */
  #restart(mode) {
    this.#drill = new Drill(mode);
    if (RULES[mode][this.#failure] === null) {
      this.#failure = "exception";
    }
    this.#changed();
    this.#say("Ten tasks, two workers. Let them work for a while if you like, choose what happens to one of them, and say what it will cost.");
  }

  /** @param {Failure} failure */
  #arm(failure) {
    this.#failure = failure;
    this.#draw();
  }

  #doWork() {
    const drill = this.#drill;
    const more = drill.allDone;
    drill.work();
    this.#changed();
    const idle = drill.workers.every((worker) => worker.task === null);
    this.#say(
      more
        ? "Ten more tasks."
        : idle
          ? `Every task has an answer or will never get one. The workers are idle${
              drill.mode === "pool" ? `, and ${NAMES[drill.holder ?? 0]} holds the queue’s lock while it waits for a task` : ""
            }.`
          : "Both workers answered and took the next task.",
    );
  }

  /** @param {number} which */
  #doHit(which) {
    const drill = this.#drill;
    const failure = this.#failure;
    const guess = this.#guess;
    const worker = drill.workers[which];
    if (guess === null || !worker) {
      return;
    }
    const task = worker.task;
    const wasHolder = drill.mode === "pool" && drill.holder === which;
    const lost = drill.hit(which, failure);
    const isRight = guess === guessFor(lost);
    this.#score.all += 1;
    this.#score.right += isRight ? 1 : 0;
    this.#guess = null;
    this.#changed();
    const who = `${WORDS[drill.mode].workers} ${NAMES[which]}`;
    const act = task === null ? `${who}, idle, is killed, and ten more tasks come` : `${who} ${FAILS[failure].act} in task ${task}`;
    const grade = `${isRight ? "✓" : "✗"} You said ${GUESSES[guess]}; lost: ${lost}.`;
    this.#say(`${grade} ${act[0]?.toUpperCase()}${act.slice(1)}. ${this.#explain(which, task, failure, wasHolder)}`);
    const next = [this.#hits[which], this.#work, this.#reset].find((button) => button && !button.disabled);
    if (!this.contains(document.activeElement) || document.activeElement === document.body) {
      next?.focus({ preventScroll: true });
    }
  }

  /**
   * @param {number} which
   * @param {number | null} task
   * @param {Failure} failure
   * @param {boolean} wasHolder
   */
  #explain(which, task, failure, wasHolder) {
    const { mode } = this.#drill;
    if (task === null) {
      switch (mode) {
        case "executor":
          return "A dead worker breaks the executor, even an idle one: it refuses each of the ten.";
        case "pool":
          return wasHolder
            ? "It died with the queue’s lock. Its replacement waits for that lock, and so does everybody else, forever."
            : "It only waited for the queue’s lock. Its replacement does the same, and nothing is lost.";
        default:
          return "Nobody shared anything with it. Its replacement takes the next task.";
      }
    }
    switch (RULES[mode][failure]) {
      case "own":
        return mode === "sockets" || failure === "exception"
          ? `The exception is task ${task}’s answer. The worker takes the next one.`
          : `SystemExit is an exception, and becomes task ${task}’s answer. The worker takes the next one.`;
      case "gone":
        return "That ends the process, with both threads, the main program and every task that had no answer.";
      case "broken":
        return "The program lives. The executor ends the other worker, and fails every task that had no answer with BrokenProcessPool.";
      case "silent":
        return `Pool starts a new worker ${NAMES[which]} and goes on. Nobody tells the caller of task ${task}: it waits forever.`;
      default:
        return `The pool sees the end of that worker’s socket, knows that it had task ${task}, tells its caller, and starts a new worker.`;
    }
  }

  /** @param {string} text */
  #say(text) {
    const { right, all } = this.#score;
    this.#status.textContent = all > 0 ? `${text} Predictions: ${right} of ${all} right.` : text;
  }

  #changed() {
    toAddress({ [this.#key]: this.#drill.toText() });
    this.#draw();
  }

  #draw() {
    const drill = this.#drill;
    MODES.forEach((mode, at) => {
      const input = this.#modes[at];
      if (input) {
        input.checked = mode === drill.mode;
      }
    });
    FAILURES.forEach((failure, at) => {
      const input = this.#failures[at];
      if (input) {
        input.checked = failure === this.#failure;
        input.disabled = RULES[drill.mode][failure] === null;
      }
    });
    this.#guesses.forEach((input, at) => {
      input.checked = at === this.#guess;
    });
    this.#hits.forEach((button, which) => {
      const can = drill.canHit(which, this.#failure);
      button.textContent = `let it happen to ${NAMES[which]}`;
      button.disabled = !can || this.#guess === null;
    });
    this.#work.textContent = drill.canWork && drill.allDone ? "ten more tasks" : "work";
    this.#work.disabled = !drill.canWork;
    this.#reset.disabled = drill.moves.length === 0;
    this.#drawBoard();
    const alive = drill.workers.filter((worker) => !worker.dead).length;
    const answered = drill.count("answered") + drill.count("own");
    this.#counts.replaceChildren(
      `program: ${drill.pool === "gone" ? "gone" : "alive"} · workers: ${alive} of 2 alive · answered: ${answered} · `,
      el("b", {}, `lost: ${drill.lost}`),
    );
  }

  #drawBoard() {
    const drill = this.#drill;
    const inProcess = drill.mode === "threads";
    const program = el("div", { class: "drill-program of-parent" });
    set(program, "data-dead", drill.pool === "gone");
    const pools = { ok: "", broken: ": the pool is broken", frozen: ": the pool is frozen", gone: ": gone" };
    const first = Math.max(0, drill.tasks.length - 2 * BATCH);
    const chips = el("ol", { class: "drill-tasks" });
    drill.tasks.slice(first).forEach((state, at) => {
      const number = first + at;
      const owner = drill.workers.findIndex((worker) => worker.task === number);
      const { sign, word } = STATES[state];
      const mark = NAMES[owner] ?? sign;
      chips.append(
        el(
          "li",
          { class: `drill-task task-${state}` },
          el("span", { "aria-hidden": "true" }, `${number}${mark && ` ${mark}`}`),
          el("span", { class: "drill-word" }, `task ${number}: ${word}${owner >= 0 ? ` by ${NAMES[owner]}` : ""}`),
        ),
      );
    });
    program.append(el("p", { class: "drill-head" }, `your program${pools[drill.pool]}`), chips);
    const workers = el("div", { class: "drill-workers" }, ...drill.workers.map((_, which) => this.#drawWorker(which)));
    if (inProcess) {
      program.append(workers);
      this.#board.replaceChildren(program);
    } else {
      this.#board.replaceChildren(program, workers);
    }
    set(this.#board, "data-mode", drill.mode);
  }

  /** @param {number} which */
  #drawWorker(which) {
    const drill = this.#drill;
    const worker = drill.workers[which] ?? { task: null, generation: 1, dead: true };
    const { workers, kinds } = WORDS[drill.mode];
    const holds = drill.holder === which && drill.pool === "ok";
    const doing = worker.dead
      ? "dead"
      : drill.pool === "frozen"
        ? "waits for the dead one’s lock"
        : worker.task !== null
          ? `carries out task ${worker.task}`
          : holds
            ? "idle, holds the queue’s lock"
            : drill.mode === "pool"
              ? "idle, waits for the lock"
              : "idle";
    const card = el(
      "div",
      { class: `drill-worker of-${kinds[which] ?? "child"}`, role: "group", "aria-label": `${workers} ${NAMES[which]}` },
      el("span", { class: drill.mode === "threads" ? "drill-sign drill-round" : "drill-sign", "aria-hidden": "true" }, NAMES[which] ?? ""),
      el("span", {}, el("b", {}, `${workers} ${NAMES[which]}`), worker.generation > 1 ? ` (number ${worker.generation})` : "", el("br"), doing),
    );
    set(card, "data-dead", worker.dead);
    set(card, "data-holds", holds);
    set(card, "data-idle", !worker.dead && worker.task === null);
    return card;
  }
}

if (!customElements.get("crash-drill")) {
  customElements.define("crash-drill", CrashDrill);
}
