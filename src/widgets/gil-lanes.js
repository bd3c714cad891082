// <gil-lanes>: set up threads, guess when the last one is done, run them, and see who holds the GIL when.
//
// The element's own content (a table) is what readers without JavaScript see, and what is printed.

import { el, freshId, keepArrows, putAside, set } from "./dom.js";
import { letter, millis, sentence, simulate } from "./gilsim.js";
import { fromAddress, toAddress } from "./state.js";

/** @typedef {import("./gilsim.js").World} World */
/** @typedef {import("./gilsim.js").Setup} Setup */
/** @typedef {import("./gilsim.js").Outcome} Outcome */
/** @typedef {"compute" | "io" | "interval" | "cores"} Knob */
/** What an address holds: the setup, the guess in milliseconds, and how many happenings are shown; `null` before a run. @typedef {{ setup: Setup, guess: number, shown: number | null }} Kept */

/** @type {Record<World, string>} */
const WORLDS = { gil: "threads, with the GIL", processes: "processes", free: "threads, without the GIL" };

/** What each slider chooses from. @type {Record<Knob, { label: string, values: number[], unit: string, first: number }>} */
const KNOBS = {
  compute: { label: "threads that compute", values: [0, 1, 2, 3, 4], unit: "", first: 1 },
  io: { label: "threads that do I/O", values: [0, 1, 2], unit: "", first: 1 },
  interval: { label: "switch interval", values: [1, 2, 5, 10, 20, 50], unit: " ms", first: 5 },
  cores: { label: "CPU cores", values: [1, 2, 4], unit: "", first: 2 },
};

const MOST_GUESS = 200;

/** @type {Record<import("./gilsim.js").State, string>} */
const STATES = {
  run: "executes bytecode",
  gil: "waits for the GIL",
  cpu: "waits for a core",
  io: "waits for a reply",
  start: "starts its process",
};

/**
 * The kept state in a few letters: `gil.1.1.5.2.60.3`, or with `-` before a run.
 *
 * @param {Kept} kept
 */
export function toText({ setup, guess, shown }) {
  const { world, compute, io, interval, cores } = setup;
  return [world, compute, io, interval, cores, guess, shown ?? "-"].join(".");
}

/**
 * What `toText` wrote; null for anything else.
 *
 * @param {string} text
 * @returns {Kept | null}
 */
export function fromText(text) {
  const match = /^(gil|processes|free)\.(\d+)\.(\d+)\.(\d+)\.(\d+)\.(\d+)\.(\d+|-)$/.exec(text);
  if (!match) {
    return null;
  }
  const world = /** @type {World} */ (match[1]);
  const [compute = 0, io = 0, interval = 0, cores = 0, guess = 0] = match.slice(2, 7).map(Number);
  const setup = { world, compute, io, interval, cores };
  const fits = Object.entries(KNOBS).every(([knob, { values }]) => values.includes(setup[/** @type {Knob} */ (knob)]));
  if (!fits || compute + io === 0 || guess > MOST_GUESS) {
    return null;
  }
  return { setup, guess, shown: match[7] === "-" ? null : Number(match[7]) };
}

class GilLanes extends HTMLElement {
  /** @type {Setup} */
  #setup = { world: "gil", compute: 1, io: 1, interval: 5, cores: 2 };
  #guess = MOST_GUESS / 2;
  /** @type {Outcome | null} */
  #outcome = null;
  /** How many happenings the lanes show. */
  #shown = 0;
  /** The name of this element's state in the address. */
  #key = "gil";
  /** @type {HTMLInputElement[]} */
  #worlds = [];
  /** @type {Map<Knob | "guess", { input: HTMLInputElement, output: HTMLElement, name: HTMLElement }>} */
  #sliders = new Map();
  #board = el("div", { class: "gil-board" });
  #status = el("p", { class: "widget-status", role: "status", "aria-live": "polite" });
  #words = el("ol");
  #run = el("button", { type: "button", class: "main-button", onclick: () => this.#start() }, "run");
  #back = el("button", { type: "button", onclick: () => this.#go(this.#shown - 1) }, "one step back");
  #next = el("button", { type: "button", onclick: () => this.#go(this.#shown + 1) }, "next step");
  #first = el("button", { type: "button", onclick: () => this.#go(1) }, "to the beginning");
  #last = el("button", { type: "button", onclick: () => this.#go(Infinity) }, "to the end");

  connectedCallback() {
    if (this.dataset.live !== undefined) {
      return;
    }
    this.dataset.live = "";
    putAside(this);
    keepArrows(this);
    const others = [...document.querySelectorAll("gil-lanes")].indexOf(this);
    this.#key = others > 0 ? `gil${others + 1}` : "gil";
    const name = freshId("gil-world");
    const choice = el("fieldset", { class: "widget-choice" }, el("legend", {}, "Where do they run?"));
    for (const [value, words] of /** @type {[World, string][]} */ (Object.entries(WORLDS))) {
      const input = el("input", { type: "radio", name, value, onchange: () => this.#change({ world: value }) });
      this.#worlds.push(input);
      choice.append(el("label", {}, input, ` ${words}`));
    }
    const knobs = el("div", { class: "gil-knobs" });
    for (const [knob, { label, values, unit }] of /** @type {[Knob, typeof KNOBS.compute][]} */ (Object.entries(KNOBS))) {
      const turned = (/** @type {number} */ at) => this.#change({ [knob]: values[at] ?? values[0] });
      knobs.append(this.#slider(knob, label, 0, values.length - 1, 1, turned, (at) => `${values[at] ?? ""}${unit}`));
    }
    const guessed = (/** @type {number} */ guess) => {
      this.#guess = guess;
      this.#save();
    };
    const guess = this.#slider("guess", "My guess: the last one is done after", 5, MOST_GUESS, 5, guessed, (at) => `${at} ms`);
    guess.classList.add("gil-guess");
    const steps = el("div", { class: "widget-buttons" }, this.#first, this.#back, this.#next, this.#last);
    this.append(
      el(
        "div",
        { class: "widget", role: "group", "aria-label": "Threads and the GIL: set them up, guess, and run them" },
        choice,
        knobs,
        el("div", { class: "gil-go" }, guess, this.#run),
        this.#board,
        this.#legend(),
        steps,
        this.#status,
        el("details", {}, el("summary", {}, "What happens, in words"), this.#words),
      ),
    );
    const kept = fromText(fromAddress(this.#key) ?? "");
    if (kept) {
      this.#setup = kept.setup;
      this.#guess = kept.guess;
    }
    this.#draw();
    if (kept && kept.shown !== null) {
      this.#outcome = simulate(this.#setup);
      this.#go(kept.shown);
    } else {
      this.#greet();
    }
  }

  /**
   * A slider with its value beside it.
   *
   * @param {Knob | "guess"} name
   * @param {string} label
   * @param {number} min
   * @param {number} max
   * @param {number} step
   * @param {(value: number) => void} turned
   * @param {(value: number) => string} text
   */
  #slider(name, label, min, max, step, turned, text) {
    const output = el("span", { class: "gil-value", "aria-hidden": "true" }); // the slider says it itself
    const input = el("input", {
      type: "range",
      min: String(min),
      max: String(max),
      step: String(step),
      oninput: () => {
        const value = Number(input.value);
        output.textContent = text(value);
        set(input, "aria-valuetext", text(value));
        turned(value);
      },
    });
    const title = el("span", {}, label);
    this.#sliders.set(name, { input, output, name: title });
    return el("label", {}, title, input, output);
  }

  #legend() {
    const kinds = /** @type {const} */ (["run", "gil", "cpu", "io", "start"]);
    const entries = kinds.map((kind) => el("li", {}, el("span", { class: `gil-key gil-${kind} of-thread-a` }), ` ${STATES[kind]}`));
    return el("ul", { class: "gil-legend", "aria-hidden": "true" }, ...entries, el("li", {}, "▲ asks the holder to let go"));
  }

  /** @param {Partial<Setup>} change */
  #change(change) {
    const setup = { ...this.#setup, ...change };
    if (setup.compute + setup.io === 0) {
      setup[change.compute === 0 ? "io" : "compute"] = 1; // somebody has to run
    }
    this.#setup = setup;
    this.#outcome = null;
    this.#shown = 0;
    this.#save();
    this.#draw();
    this.#greet();
  }

  #greet() {
    this.#say(`${this.#who()} When is the last one done? Guess, then run them.`);
  }

  #who() {
    const { compute, io, world, interval, cores } = this.#setup;
    const one = world === "processes" ? "process" : "thread";
    const several = (/** @type {number} */ count, /** @type {string} */ does, /** @type {string} */ doing) => {
      const many = world === "processes" ? "processes" : "threads";
      return count === 0 ? [] : [count === 1 ? `1 ${one} that ${does}` : `${count} ${many} that ${doing}`];
    };
    const list = [...several(compute, "computes", "compute"), ...several(io, "does I/O", "do I/O")].join(" and ");
    const where = world === "gil" ? `a switch interval of ${interval} ms` : `${cores} ${cores === 1 ? "core" : "cores"}`;
    return `${list}, ${where}.`;
  }

  #start() {
    this.#outcome = simulate(this.#setup);
    this.#go(Infinity);
    this.#back.focus(); // the button that was pressed is disabled now
  }

  /** @param {number} shown how many happenings to show */
  #go(shown) {
    const outcome = this.#outcome;
    if (!outcome) {
      return;
    }
    const all = outcome.happenings.length;
    this.#shown = Math.max(1, Math.min(shown, all));
    this.#save();
    this.#draw();
    if (this.#shown === all) {
      this.#say(this.#result(outcome));
    } else {
      const one = outcome.happenings[this.#shown - 1];
      this.#say(one ? `After ${millis(one.time)}: ${sentence(one, this.#setup.world)}` : "");
    }
    if (this.#shown === all && document.activeElement === this.#next) {
      this.#back.focus();
    } else if (this.#shown === 1 && document.activeElement === this.#back) {
      this.#next.focus();
    }
  }

  /** @param {Outcome} outcome */
  #result({ end, longest, spans }) {
    const off = Math.abs(end / 1000 - this.#guess);
    const miss = `That is ${millis(off * 1000)} too ${this.#guess * 1000 > end ? "long" : "short"}`;
    const grade = off === 0 ? "You were right" : off <= 5 ? "That's close" : miss;
    const waited = spans.filter((span) => span.state === "gil").reduce((sum, span) => sum + span.to - span.from, 0);
    const parts = [`The last one is done after ${millis(end)}. You said ${this.#guess} ms. ${grade}.`];
    if (longest !== null) {
      parts.push(`The slowest reply took ${millis(longest)}, until its thread could read it.`);
    }
    if (this.#setup.world === "gil") {
      parts.push(`Together they waited ${millis(waited)} for the GIL.`);
    }
    return parts.join(" ");
  }

  /** @param {string} text */
  #say(text) {
    this.#status.textContent = text;
  }

  #save() {
    const shown = this.#outcome ? this.#shown : null;
    toAddress({ [this.#key]: toText({ setup: this.#setup, guess: this.#guess, shown }) });
  }

  #draw() {
    const { world } = this.#setup;
    for (const input of this.#worlds) {
      input.checked = input.value === world;
    }
    for (const [knob, { label, values, unit }] of /** @type {[Knob, typeof KNOBS.compute][]} */ (Object.entries(KNOBS))) {
      const slider = this.#sliders.get(knob);
      if (slider) {
        const value = this.#setup[knob];
        slider.name.textContent = world === "processes" ? label.replace("threads", "processes") : label;
        slider.input.value = String(values.indexOf(value));
        slider.output.textContent = `${value}${unit}`;
        set(slider.input, "aria-valuetext", `${value}${unit}`);
        // Without a GIL there is no interval. Under the GIL one thread runs at a time, on however many cores.
        slider.input.disabled = (knob === "interval" && world !== "gil") || (knob === "cores" && world === "gil");
      }
    }
    const guess = this.#sliders.get("guess");
    if (guess) {
      guess.input.value = String(this.#guess);
      guess.output.textContent = `${this.#guess} ms`;
      set(guess.input, "aria-valuetext", `${this.#guess} ms`);
      guess.input.disabled = this.#outcome !== null;
    }
    const all = this.#outcome?.happenings.length ?? 0;
    this.#run.disabled = this.#outcome !== null;
    this.#back.disabled = this.#first.disabled = this.#shown <= 1;
    this.#next.disabled = this.#last.disabled = this.#shown >= all;
    this.#drawBoard();
    const told = this.#outcome?.happenings.slice(0, this.#shown) ?? [];
    this.#words.replaceChildren(...told.map((one) => el("li", {}, `${millis(one.time)}: ${sentence(one, world)}`)));
  }

  #drawBoard() {
    const { world, compute, io } = this.#setup;
    const outcome = this.#outcome;
    const until = outcome ? (this.#shown >= outcome.happenings.length ? outcome.end : (outcome.happenings[this.#shown - 1]?.time ?? 0)) : 0;
    const width = outcome ? Math.max(50_000, outcome.end) : MOST_GUESS * 1000; // before a run, no hint of its length
    const percent = (/** @type {number} */ time) => `${((100 * time) / width).toFixed(3)}%`;
    const bar = (/** @type {import("./gilsim.js").Span} */ { thread, from, to, state }, /** @type {string} */ more = "") => {
      const shows = state === "run" && to - from > width / 40;
      const owner = thread % 2 === 0 ? "of-thread-a" : "of-thread-b";
      const span = el("span", { class: `gil-bar gil-${state} ${owner}${thread < compute ? "" : " gil-asks"}${more}` }, shows ? letter(thread) : "");
      span.style.insetInlineStart = percent(from);
      span.style.inlineSize = percent(Math.min(to, until) - from);
      return span;
    };
    const spans = outcome?.spans.filter((span) => span.from < until) ?? [];
    const lanes = [];
    if (world === "gil") {
      const held = spans.filter((span) => span.state === "run").map((span) => bar(span, " gil-held"));
      lanes.push(lane("the GIL", held, "gil-lane-lock"));
    }
    for (let thread = 0; thread < compute + io; thread += 1) {
      const bars = spans.filter((span) => span.thread === thread).map((span) => bar(span));
      const asks = outcome?.happenings.slice(0, this.#shown).filter((one) => one.kind === "request" && one.thread === thread) ?? [];
      const marks = asks.map((one) => {
        const mark = el("span", { class: "gil-ask" }, "▲");
        mark.style.insetInlineStart = percent(one.time);
        return mark;
      });
      lanes.push(lane(`${letter(thread)} ${thread < compute ? "computes" : "does I/O"}`, [...bars, ...marks], ""));
    }
    const ticks = el("div", { class: "gil-ticks" });
    const step = [10, 20, 50, 100].find((one) => width / 1000 / one <= 6) ?? 100;
    for (let at = 0; at * 1000 <= width; at += step) {
      const tick = el("span", {}, `${at}`);
      tick.style.insetInlineStart = percent(at * 1000);
      ticks.append(tick);
    }
    this.#board.replaceChildren(...lanes, el("div", { class: "gil-lane" }, el("span", {}, "ms"), ticks));
    set(this.#board, "role", "img");
    const shown = outcome ? `the first ${millis(until)} of ${millis(outcome.end)}` : "nothing has run yet";
    set(this.#board, "aria-label", `A lane for each of ${compute + io} ${world === "processes" ? "processes" : "threads"}: ${shown}. The steps are told in words below.`);
  }
}

/**
 * @param {string} name
 * @param {HTMLElement[]} bars
 * @param {string} kind
 */
function lane(name, bars, kind) {
  return el("div", { class: `gil-lane ${kind}` }, el("span", {}, name), el("div", { class: "gil-track" }, ...bars));
}

customElements.define("gil-lanes", GilLanes);
