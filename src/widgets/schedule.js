// A schedule that a failing test saved: reads it, and tells what is where after each of its steps.
//
// The format is that of the crate `wire` (tests/wire/src/schedule.rs): a step has a thread, a kind and what belongs to it.

/**
 * @typedef {"spawn" | "end" | "load" | "store" | "update" | "compare_failed" | "lock" | "unlock" | "wait" | "notify" | "sleep"} Kind
 */
/**
 * One step. `isStale`: it stores what was made from a copy that somebody had overtaken.
 *
 * @typedef {{ thread: string, kind: Kind, object: string, value?: string, before?: string, after?: string, expected?: string,
 *   started?: string, until?: string, isStale: boolean }} Step
 */
/** @typedef {{ test: string, threads: string[], steps: Step[], outcome: string, initial: Map<string, string> }} Schedule */

/** What each kind must say, and what it may. @type {Record<Kind, { must: Field[], may?: Field[] }>} */
const KINDS = {
  spawn: { must: ["started"] },
  end: { must: [] },
  load: { must: ["value"] },
  store: { must: ["value"] },
  update: { must: ["before", "after"] },
  compare_failed: { must: ["expected", "value"] },
  lock: { must: [], may: ["value"] },
  unlock: { must: [], may: ["value"] },
  wait: { must: [] },
  notify: { must: [] },
  sleep: { must: ["until"] },
};
/** @typedef {"value" | "before" | "after" | "expected" | "started" | "until"} Field */

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
/** @param {string} kind @returns {kind is Kind} */
const isKind = (kind) => Object.hasOwn(KINDS, kind);

/**
 * Reads a schedule, or throws an Error that says what is wrong with it.
 *
 * @param {string} text
 * @returns {Schedule}
 */
export function parseSchedule(text) {
  /** @type {unknown} */
  let data;
  try {
    data = JSON.parse(text);
  } catch {
    throw new Error("this is not JSON; pick a file from target/schedules/");
  }
  if (!isObject(data) || !Array.isArray(data.steps) || data.steps.length === 0) {
    throw new Error("this file has no steps; pick one from target/schedules/");
  }
  const steps = data.steps.map(readStep);
  const named = Array.isArray(data.threads) ? data.threads.filter((name) => typeof name === "string") : [];
  const threads = [...new Set([...named, ...steps.map((step) => step.thread)])];
  // main before A before B, and AA after Z, whoever stepped first.
  threads.sort((a, b) => Number(b === "main") - Number(a === "main") || a.length - b.length || (a < b ? -1 : 1));
  const schedule = {
    test: typeof data.test === "string" ? data.test : "a test",
    threads,
    steps,
    outcome: typeof data.outcome === "string" ? data.outcome : "",
    initial: initialValues(steps),
  };
  const replay = new Replay(schedule);
  for (const step of steps) {
    step.isStale = step.kind === "store" && replay.isStale(step.thread, step.object);
    replay.apply(step);
  }
  return schedule;
}

/**
 * @param {unknown} step
 * @param {number} index
 * @returns {Step}
 */
function readStep(step, index) {
  const wrong = (/** @type {string} */ what) => new Error(`step ${index + 1} ${what}`);
  if (!isObject(step) || typeof step.thread !== "string") {
    throw wrong("has no thread");
  }
  if (typeof step.kind !== "string") {
    throw wrong(typeof step.op === "string" ? "is in an older format; run the test again, it saves a new file" : "has no kind");
  }
  const kind = step.kind;
  if (!isKind(kind)) {
    throw wrong(`is of the unknown kind “${kind.slice(0, 40)}”`);
  }
  /** @type {Step} */
  const read = { thread: step.thread, kind, object: typeof step.object === "string" ? step.object : "", isStale: false };
  const { must, may = [] } = KINDS[kind];
  for (const field of [...must, ...may]) {
    const value = step[field];
    if (typeof value === "string") {
      read[field] = value;
    } else if (must.includes(field)) {
      throw wrong(`is a ${kind} without “${field}”`);
    }
  }
  return read;
}

/**
 * What each object held at the beginning, as the first step tells that sees it.
 *
 * @param {Step[]} steps
 */
function initialValues(steps) {
  /** @type {Map<string, string>} */
  const values = new Map();
  for (const step of steps) {
    if (step.object && step.kind !== "wait" && step.kind !== "notify" && !values.has(step.object)) {
      const seen = step.before ?? (step.kind === "store" || step.kind === "unlock" ? undefined : step.value);
      values.set(step.object, seen ?? "");
    }
  }
  return values;
}

/** @typedef {{ step: number, thread: string, value: string }} Change */
/** @typedef {{ value: string, version: number, holder: string | null, isLock: boolean, history: Change[] }} Thing */
/** @typedef {{ copies: Map<string, { value: string, version: number }>, suspended: string[], state: "" | "ended" | "waiting" }} Lane */

/** What every thread and every object is at after some steps. */
export class Replay {
  /** @param {Schedule} schedule */
  constructor({ threads, initial }) {
    /** How many steps were taken. */
    this.taken = 0;
    /** @type {Map<string, Thing>} */
    this.things = new Map();
    for (const [object, value] of initial) {
      this.things.set(object, { value, version: 0, holder: null, isLock: false, history: [{ step: 0, thread: "", value }] });
    }
    /** @type {Map<string, Lane>} */
    this.lanes = new Map();
    for (const thread of threads) {
      this.lanes.set(thread, { copies: new Map(), suspended: [], state: "" });
    }
  }

  /**
   * Whether the thread's copy of an object was overtaken by another thread's write.
   *
   * @param {string} thread
   * @param {string} object
   */
  isStale(thread, object) {
    const copy = this.lanes.get(thread)?.copies.get(object);
    const thing = this.things.get(object);
    return copy !== undefined && thing !== undefined && copy.version < thing.version;
  }

  /** @param {Step} step */
  apply(step) {
    this.taken += 1;
    const lane = this.lanes.get(step.thread);
    if (!lane) {
      return;
    }
    if (lane.state === "waiting") {
      // It woke, so it has its locks again.
      lane.state = "";
      for (const object of lane.suspended.splice(0)) {
        const thing = this.things.get(object);
        if (thing) {
          thing.holder = step.thread;
        }
      }
    }
    const thing = this.things.get(step.object);
    switch (step.kind) {
      case "load":
      case "compare_failed":
        this.#sees(step, lane, thing, step.value);
        break;
      case "store":
        this.#leaves(step, lane, thing, step.value);
        break;
      case "update":
        this.#sees(step, lane, thing, step.before);
        this.#leaves(step, lane, thing, step.after);
        break;
      case "lock":
        if (thing) {
          thing.isLock = true;
          thing.holder = step.thread;
        }
        this.#sees(step, lane, thing, step.value);
        break;
      case "unlock":
        if (thing) {
          thing.isLock = true;
          thing.holder = null;
        }
        if (step.value !== thing?.value) {
          this.#leaves(step, lane, thing, step.value);
        }
        lane.copies.delete(step.object); // what a lock protects is out of reach now
        break;
      case "wait":
        lane.state = "waiting";
        for (const [object, other] of this.things) {
          if (other.holder === step.thread) {
            other.holder = null;
            lane.suspended.push(object);
          }
        }
        break;
      case "end":
        lane.state = "ended";
        break;
      default:
    }
  }

  /**
   * @param {Step} step
   * @param {Lane} lane
   * @param {Thing | undefined} thing
   * @param {string | undefined} value
   */
  #sees(step, lane, thing, value) {
    if (thing && value !== undefined) {
      thing.value = value;
      lane.copies.set(step.object, { value, version: thing.version });
    }
  }

  /**
   * @param {Step} step
   * @param {Lane} lane
   * @param {Thing | undefined} thing
   * @param {string | undefined} value
   */
  #leaves(step, lane, thing, value) {
    if (thing && value !== undefined) {
      thing.value = value;
      thing.version += 1;
      thing.history.push({ step: this.taken, thread: step.thread, value });
      lane.copies.set(step.object, { value, version: thing.version });
    }
  }

  /**
   * The state after `taken` steps.
   *
   * @param {Schedule} schedule
   * @param {number} taken
   */
  static after(schedule, taken) {
    const replay = new Replay(schedule);
    for (const step of schedule.steps.slice(0, taken)) {
      replay.apply(step);
    }
    return replay;
  }
}

/**
 * A step in words, as the failure message has them.
 *
 * @param {Step} step
 */
export function words(step) {
  const { value = "" } = step;
  switch (step.kind) {
    case "spawn":
      return `starts ${step.started}`;
    case "end":
      return "ends";
    case "load":
      return `reads ${value}`;
    case "store":
      return `writes ${value}`;
    case "update":
      return `reads ${step.before} and writes ${step.after}`;
    case "compare_failed":
      return `expects ${step.expected}, finds ${value}`;
    case "lock":
      return value ? `locks, sees ${value}` : "locks";
    case "unlock":
      return value ? `unlocks, leaves ${value}` : "unlocks";
    case "wait":
      return "waits";
    case "sleep":
      return `sleeps until ${step.until}`;
    default:
      return "notifies";
  }
}
