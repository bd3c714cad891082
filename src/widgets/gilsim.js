// What <gil-lanes> plays: threads that compute and threads that wait for I/O, under CPython's rules for the GIL.
//
// The rules are those of Python/ceval_gil.c (3.10 to 3.15), over a virtual clock in microseconds. What the simulation adds is
// stated on the page: which waiter is woken (the one that has waited longest), that a holder reacts to a request at once, and
// the costs below.

/** `gil`: threads under one GIL. `processes`: one GIL each. `free`: threads on a build without a GIL. @typedef {"gil" | "processes" | "free"} World */
/**
 * How many threads compute and how many do I/O; the switch interval in milliseconds; the number of CPU cores.
 *
 * @typedef {{ world: World, compute: number, io: number, interval: number, cores: number }} Setup
 */
/**
 * `run`: executes bytecode. `gil`: waits for the GIL. `cpu`: is ready, and waits for a core. `io`: waits for a reply.
 * `start`: a process starts.
 *
 * @typedef {"run" | "gil" | "cpu" | "io" | "start"} State
 */
/** What a thread does from one time to another, in microseconds. @typedef {{ thread: number, from: number, to: number, state: State }} Span */
/** @typedef {"take" | "request" | "forced" | "blocks" | "reply" | "core" | "ends"} Kind */
/** Something that happens to a thread. `other`: whom it asks to let go. @typedef {{ time: number, thread: number, kind: Kind, other?: number }} Happening */
/**
 * @typedef {{ spans: Span[], happenings: Happening[], end: number, done: number[], longest: number | null }} Outcome
 * When each thread is done; how long the slowest reply took, until the thread that asked runs again.
 */

const MS = 1000;
/** What a computing thread has to do, and how often and for how long an I/O thread computes and waits. */
export const COMPUTE = 40 * MS;
export const REQUESTS = 4;
export const BEFORE_REQUEST = 1 * MS;
export const REPLY = 4 * MS;
/** A process starts for as long. */
export const START = 5 * MS;
/** Bytecode takes as many times as long without the GIL: the documented average on x86-64 Linux. */
export const FREE_FACTOR = 1.08;
/** For as long the kernel gives a core to one of several ready threads. */
export const SLICE = 3 * MS;

/** What a thread does: computes, and then blocks, several times over. @typedef {{ compute: number, block: number }} Step */

/**
 * @param {Setup} setup
 * @returns {Step[][]}
 */
function programs({ world, compute, io }) {
  const factor = world === "free" ? FREE_FACTOR : 1;
  const asks = Array.from({ length: REQUESTS }, () => ({ compute: BEFORE_REQUEST * factor, block: REPLY }));
  return [
    ...Array.from({ length: compute }, () => [{ compute: COMPUTE * factor, block: 0 }]),
    ...Array.from({ length: io }, () => [...asks, { compute: BEFORE_REQUEST * factor, block: 0 }]),
  ];
}

class Thread {
  /**
   * @param {number} id
   * @param {Step[]} program
   */
  constructor(id, program) {
    this.id = id;
    this.program = program;
    this.at = 0;
    this.left = program[0]?.compute ?? 0;
    /** @type {State | null} */
    this.state = null;
    this.since = 0;
    /** When it asked for the reply that it still waits for, or has not run since. @type {number | null} */
    this.asked = null;
  }
}

/** What both schedulers share: threads, their lanes, and what happens. */
class Recorder {
  /** @param {Setup} setup */
  constructor(setup) {
    this.setup = setup;
    this.now = 0;
    this.threads = programs(setup).map((program, id) => new Thread(id, program));
    /** @type {Outcome} */
    this.outcome = { spans: [], happenings: [], end: 0, done: this.threads.map(() => 0), longest: null };
    /** Threads that wait for something with a fixed end, and that end. @type {Map<Thread, number>} */
    this.blocked = new Map();
  }

  /**
   * @param {Thread} thread
   * @param {State | null} state
   */
  become(thread, state) {
    if (thread.state !== null && this.now > thread.since) {
      this.outcome.spans.push({ thread: thread.id, from: thread.since, to: this.now, state: thread.state });
    }
    thread.state = state;
    thread.since = this.now;
    if (state === "run" && thread.asked !== null) {
      this.outcome.longest = Math.max(this.outcome.longest ?? 0, this.now - thread.asked);
      thread.asked = null;
    }
  }

  /**
   * @param {Thread} thread
   * @param {Kind} kind
   * @param {Thread} [other]
   */
  say(thread, kind, other) {
    this.outcome.happenings.push({ time: this.now, thread: thread.id, kind, ...(other ? { other: other.id } : {}) });
  }

  /**
   * A thread has computed what it had to: it blocks, or it is done.
   *
   * @param {Thread} thread
   */
  stop(thread) {
    const step = thread.program[thread.at];
    thread.at += 1;
    thread.left = thread.program[thread.at]?.compute ?? 0;
    if (step && step.block > 0) {
      this.become(thread, "io");
      this.say(thread, "blocks");
      thread.asked = this.now;
      this.blocked.set(thread, this.now + step.block);
    } else {
      this.become(thread, null);
      this.say(thread, "ends");
      this.outcome.done[thread.id] = this.now;
      this.outcome.end = this.now;
    }
  }

  /** The threads whose wait ends now. @returns {Thread[]} */
  wake() {
    const awake = [...this.blocked].filter(([, until]) => until <= this.now).map(([thread]) => thread);
    for (const thread of awake) {
      this.blocked.delete(thread);
      if (thread.state === "io") {
        this.say(thread, "reply");
      }
    }
    return awake;
  }
}

/**
 * Threads under one GIL. A thread that finds it taken waits for one interval, again and again. If nobody has taken it over
 * meanwhile, it sets the drop request, and the holder has to hand it over.
 *
 * @param {Setup} setup
 * @returns {Outcome}
 */
function underOneGil(setup) {
  const all = new Recorder(setup);
  const interval = setup.interval * MS;
  /** @type {Thread | null} */
  let holder = null;
  let switches = 0;
  /** In the order in which they came: the first is woken first. @type {{ thread: Thread, deadline: number, seen: number }[]} */
  const waiters = [];

  const take = (/** @type {Thread} */ thread) => {
    holder = thread;
    switches += 1;
    all.become(thread, "run");
    all.say(thread, "take");
  };
  const want = (/** @type {Thread} */ thread) => {
    if (holder === null) {
      take(thread);
    } else {
      all.become(thread, "gil");
      waiters.push({ thread, deadline: all.now + interval, seen: switches });
    }
  };
  const handOver = () => {
    holder = null;
    const next = waiters.shift();
    if (next) {
      take(next.thread);
    }
  };

  all.threads.forEach(want);
  while (holder !== null || all.blocked.size > 0) {
    const running = /** @type {Thread | null} */ (holder);
    const ends = running ? all.now + running.left : Infinity;
    const next = Math.min(ends, ...all.blocked.values(), ...waiters.map((one) => one.deadline));
    if (running) {
      running.left -= next - all.now;
    }
    all.now = next;
    if (running && ends <= next) {
      all.stop(running);
      handOver();
    }
    all.wake().forEach(want);
    const waiter = waiters.find((one) => one.deadline <= all.now);
    if (waiter && holder !== null && waiter.seen !== switches) {
      waiter.deadline = all.now + interval; // somebody took over meanwhile, so it waits for another interval
      waiter.seen = switches;
    } else if (waiter && holder !== null) {
      const asked = /** @type {Thread} */ (holder);
      waiter.deadline = all.now + interval;
      all.say(waiter.thread, "request", asked);
      all.say(asked, "forced");
      handOver(); // it may not take it right back: it queues behind the others
      want(asked);
    }
  }
  return all.outcome;
}

/**
 * Threads that share no GIL: whoever is ready gets a core, for a slice at a time. A thread that was blocked goes first.
 *
 * @param {Setup} setup
 * @returns {Outcome}
 */
function onCores(setup) {
  const all = new Recorder(setup);
  /** @type {Map<Thread, number>} each running thread, and the end of its slice */
  const running = new Map();
  /** @type {Thread[]} */
  const ready = [];

  const fill = () => {
    while (ready.length > 0 && running.size < setup.cores) {
      const thread = /** @type {Thread} */ (ready.shift());
      running.set(thread, all.now + SLICE);
      all.become(thread, "run");
      all.say(thread, "core");
    }
  };

  for (const thread of all.threads) {
    if (setup.world === "processes") {
      all.become(thread, "start");
      all.blocked.set(thread, START);
    } else {
      all.become(thread, "cpu");
      ready.push(thread);
    }
  }
  fill();
  while (running.size > 0 || all.blocked.size > 0) {
    const before = all.now;
    const ends = [...running].map(([thread, slice]) => Math.min(before + thread.left, slice));
    all.now = Math.min(...ends, ...all.blocked.values());
    for (const [thread, slice] of [...running]) {
      thread.left -= all.now - before;
      if (thread.left < 0.5) {
        running.delete(thread);
        all.stop(thread);
      } else if (slice <= all.now) {
        if (ready.length > 0) {
          running.delete(thread);
          all.become(thread, "cpu");
          ready.push(thread);
        } else {
          running.set(thread, all.now + SLICE);
        }
      }
    }
    for (const thread of all.wake()) {
      const wasStarting = thread.state === "start";
      all.become(thread, "cpu");
      if (wasStarting) {
        ready.push(thread);
      } else {
        ready.unshift(thread);
      }
    }
    fill();
  }
  return all.outcome;
}

/**
 * Plays a setup to its end.
 *
 * @param {Setup} setup
 * @returns {Outcome}
 */
export function simulate(setup) {
  const outcome = setup.world === "gil" ? underOneGil(setup) : onCores(setup);
  outcome.spans.sort((a, b) => a.from - b.from || a.thread - b.thread);
  return outcome;
}

/** The letter of a thread: A, B, C, … @param {number} thread */
export function letter(thread) {
  return String.fromCharCode(65 + thread);
}

/** A time as the page writes it: `12 ms`, `12.5 ms`. @param {number} micros */
export function millis(micros) {
  return `${Number((micros / MS).toFixed(1))} ms`;
}

/**
 * What happens, in a sentence.
 *
 * @param {Happening} one
 * @param {World} world
 */
export function sentence({ thread, kind, other }, world) {
  const who = letter(thread);
  switch (kind) {
    case "take":
      return `${who} takes the GIL.`;
    case "request":
      return `${who} has waited for a whole interval and asks ${letter(other ?? 0)} to let go.`;
    case "forced":
      return `${who} lets go, and waits until another thread has the GIL.`;
    case "blocks":
      return world === "gil" ? `${who} gives the GIL up and waits for a reply.` : `${who} waits for a reply.`;
    case "reply":
      return world === "gil" ? `The reply is there. ${who} needs the GIL to read it.` : `The reply is there. ${who} is ready to read it.`;
    case "core":
      return `${who} gets a core.`;
    default:
      return `${who} is done.`;
  }
}
