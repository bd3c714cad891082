// <shared-ring>: put and take, fill the ring, empty it, wrap around, and kill one side.
//
// The element's own content (a table) is what readers without JavaScript see, and what is printed.

import { el, keepArrows, putAside, set, svg } from "./dom.js";
import { Ring, SLOTS } from "./slots.js";
import { fromAddress, toAddress } from "./state.js";

/** @typedef {import("./slots.js").Who} Who */
/** @typedef {{ card: HTMLElement, state: HTMLElement, counter: HTMLElement, act: HTMLButtonElement, kill: HTMLButtonElement }} SideView */
/** @typedef {{ path: SVGPathElement, value: SVGTextElement }} SlotView */

const CENTER = 130;
const OUTER = 108;
const INNER = 50;

const WHO = /** @type {const} */ (["producer", "consumer"]);

/** @type {Record<Who, { owner: string, act: string, counter: string, other: Who }>} */
const WORDS = {
  producer: { owner: "of-parent", act: "put", counter: "tail", other: "consumer" },
  consumer: { owner: "of-child", act: "take", counter: "head", other: "producer" },
};

/**
 * A point on a circle around the middle; slot 0 begins at the top, and slots follow clockwise.
 *
 * @param {number} radius
 * @param {number} slots how far around, in slots
 */
function point(radius, slots) {
  const angle = (slots / SLOTS) * 2 * Math.PI - Math.PI / 2;
  return [CENTER + radius * Math.cos(angle), CENTER + radius * Math.sin(angle)].map((one) => one.toFixed(1)).join(" ");
}

/**
 * A triangle that points to the middle of a slot.
 *
 * @param {number} tip its radius
 * @param {number} base
 * @param {number} slot
 * @param {number} width half of it, in slots
 */
function arrow(tip, base, slot, width) {
  const middle = slot + 0.5;
  return `M ${point(tip, middle)} L ${point(base, middle - width)} L ${point(base, middle + width)} Z`;
}

class SharedRing extends HTMLElement {
  #ring = new Ring();
  #picture = svg("svg", { viewBox: "0 0 260 260", class: "ring-picture", "aria-hidden": "true", focusable: "false" });
  /** @type {SlotView[]} */
  #slots = [];
  #tail = svg("path", { class: "ring-mark of-parent" });
  #head = svg("path", { class: "ring-mark of-child" });
  #used = svg("text", { x: String(CENTER), y: String(CENTER + 2), class: "ring-used" });
  #usedWord = svg("text", { x: String(CENTER), y: String(CENTER + 20), class: "ring-word" });
  #status = el("p", { class: "widget-status", role: "status", "aria-live": "polite" });
  #wakeups = el("p", { class: "ring-wakeups" });
  #reset = el("button", { type: "button", onclick: () => this.#restart() }, "start over");
  /** @type {Map<Who, SideView>} */
  #sides = new Map();
  /** The name of this element's state in the address. */
  #key = "ring";

  connectedCallback() {
    if (this.dataset.live !== undefined) {
      return;
    }
    this.dataset.live = "";
    putAside(this);
    keepArrows(this);
    const others = [...document.querySelectorAll("shared-ring")].indexOf(this);
    this.#key = others > 0 ? `ring${others + 1}` : "ring";
    this.#buildPicture();
    const [producer = "", consumer = ""] = WHO.map((who) => this.#buildSide(who));
    this.append(
      el(
        "div",
        { class: "widget", role: "group", "aria-label": "A ring in shared memory: put, take, sleep and wake" },
        el("div", { class: "ring-board" }, producer, this.#picture, consumer),
        this.#wakeups,
        this.#status,
        el("div", { class: "widget-buttons" }, this.#reset),
      ),
    );
    const kept = Ring.fromText(fromAddress(this.#key) ?? "");
    if (kept) {
      this.#ring = kept;
      this.#changed("As you left it.");
    } else {
      this.#restart();
    }
  }

  #buildPicture() {
    for (let slot = 0; slot < SLOTS; slot += 1) {
      const [from, to] = [slot + 0.02, slot + 0.98];
      const path = svg("path", {
        d: `M ${point(OUTER, from)} A ${OUTER} ${OUTER} 0 0 1 ${point(OUTER, to)} L ${point(INNER, to)} A ${INNER} ${INNER} 0 0 0 ${point(INNER, from)} Z`,
      });
      const [x = "", y = ""] = point((OUTER + INNER) / 2, slot + 0.5).split(" ");
      const value = svg("text", { x, y: String(Number(y) + 1), class: "ring-value" });
      const name = svg("text", { x, y: String(Number(y) + 15), class: "ring-word" });
      name.textContent = `slot ${slot}`;
      this.#slots.push({ path, value });
      this.#picture.append(path, value, name);
    }
    this.#picture.append(this.#tail, this.#head, this.#used, this.#usedWord);
  }

  /** @param {Who} who */
  #buildSide(who) {
    const { owner, act: verb } = WORDS[who];
    const state = el("span", { class: "ring-state" });
    const counter = el("span", { class: "ring-counter" });
    const act = el("button", { type: "button", class: "main-button", onclick: () => this.#act(who) }, verb);
    const kill = el("button", { type: "button", "aria-label": `kill the ${who}`, onclick: () => this.#kill(who) }, "kill");
    const card = el(
      "div",
      { class: `ring-side ${owner}`, role: "group", "aria-label": who },
      el("p", { class: "ring-name" }, who),
      state,
      counter,
      el("div", { class: "widget-buttons" }, act, kill),
    );
    this.#sides.set(who, { card, state, counter, act, kill });
    return card;
  }

  #restart() {
    this.#ring = new Ring();
    this.#changed("The ring is empty: head and tail are equal. Put something, or let the consumer take first and see it fall asleep.");
  }

  /** @param {Who} who */
  #act(who) {
    const ring = this.#ring;
    const { other, counter } = WORDS[who];
    const at = who === "producer" ? ring.tail : ring.head;
    const { done, woke } = ring.act(who);
    const slot = at % SLOTS;
    const number = at + 1;
    if (!done) {
      const why = who === "producer" ? `The ring is full: tail − head is ${SLOTS}` : "The ring is empty: head and tail are equal";
      const forEver = ring.states[other] === "dead" ? ` The ${other} is dead, so nobody will wake it: it sleeps forever.` : "";
      this.#changed(`${why}. The ${who} goes to sleep on a futex and uses no CPU.${forEver}`);
      this.#focus(other);
      return;
    }
    const wraps = slot === 0 && at > 0 ? ` Message ${number} is in slot 0 again: ${at} modulo ${SLOTS}.` : "";
    const did =
      who === "producer"
        ? `The producer wrote ${number} into slot ${slot}, then made it visible: ${counter} is ${ring.tail}.`
        : `The consumer took ${number} from slot ${slot}, then gave the slot back: ${counter} is ${ring.head}.`;
    const wake = woke
      ? ` The ${other} was asleep, so the ${who} asked the kernel to wake it: one system call.`
      : ring.states[other] === "dead"
        ? ` The ${other} is dead, and nothing in this memory says so.`
        : " Nobody was asleep, so the kernel had nothing to do.";
    this.#changed(did + wraps + wake);
  }

  /** @param {Who} who */
  #kill(who) {
    const { other } = WORDS[who];
    this.#ring.kill(who);
    const sleeps = this.#ring.states[other] === "asleep";
    this.#changed(
      `The ${who} is dead. The ring is as it was. ${
        sleeps ? `The ${other} sleeps on: nobody will wake it.` : `The ${other} sees nothing of it. Go on with it, and see where it stops.`
      }`,
    );
    this.#focus(other);
  }

  /**
   * Moves the focus from a button that no longer works to one that does.
   *
   * @param {Who} who
   */
  #focus(who) {
    const view = this.#sides.get(who);
    const works = [view?.act, view?.kill, this.#reset].find((button) => button && !button.disabled);
    works?.focus({ preventScroll: true });
  }

  /** @param {string} text */
  #changed(text) {
    toAddress({ [this.#key]: this.#ring.toText() });
    this.#draw();
    this.#status.textContent = text;
  }

  #draw() {
    const ring = this.#ring;
    this.#slots.forEach(({ path, value }, slot) => {
      const content = ring.content(slot);
      const isFull = content !== null && !content.isTaken;
      path.setAttribute("class", isFull ? "ring-slot ring-full" : "ring-slot");
      value.textContent = content ? String(content.number) : "–";
      value.setAttribute("class", isFull ? "ring-value" : "ring-value ring-old");
    });
    // The tail points from outside to the slot that is filled next, the head from inside to the one that is emptied next.
    this.#tail.setAttribute("d", arrow(OUTER + 4, OUTER + 22, ring.tail % SLOTS, 0.07));
    this.#head.setAttribute("d", arrow(INNER - 4, INNER - 20, ring.head % SLOTS, 0.16));
    this.#used.textContent = `${ring.used} of ${SLOTS}`;
    this.#usedWord.textContent = ring.used === 0 ? "empty" : ring.used === SLOTS ? "full" : "in use";
    for (const [who, view] of this.#sides) {
      const state = ring.states[who];
      const { other, counter } = WORDS[who];
      const at = who === "producer" ? ring.tail : ring.head;
      const lost = state === "asleep" && ring.states[other] === "dead";
      view.state.textContent = state === "asleep" ? (lost ? "asleep forever" : "asleep") : state;
      set(view.card, "data-state", lost ? "lost" : state);
      view.counter.textContent = `${counter} ${at} → slot ${at % SLOTS}`;
      set(view.act, "disabled", state !== "awake");
      set(view.kill, "disabled", state === "dead");
    }
    this.#wakeups.textContent = `System calls to wake somebody: ${ring.wakeups}. Messages taken: ${ring.head}.`;
    set(this.#reset, "disabled", ring.moves.length === 0);
  }
}

if (!customElements.get("shared-ring")) {
  customElements.define("shared-ring", SharedRing);
}
