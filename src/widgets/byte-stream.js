// <byte-stream>: send messages, say how many bytes each read returns, and see what the reader makes of them.
//
// The element's own content (a table) is what readers without JavaScript see, and what is printed.

import { HEADER, READS, Stream, WORDS } from "./bytes.js";
import { el, freshId, keepArrows, putAside, set } from "./dom.js";
import { fromAddress, toAddress } from "./state.js";

/** @typedef {import("./bytes.js").Byte} Byte */
/** @typedef {import("./bytes.js").Mode} Mode */
/** @typedef {import("./bytes.js").Received} Received */

/** @type {Record<Mode, string>} */
const MODES = {
  read: "one read is one message",
  frame: "a length of four bytes, then the message",
};

/** @param {string} word */
const quoted = (word) => (word === "" ? "an empty message" : `“${word}”`);

/** @param {number} count */
const bytesOf = (count) => (count === 1 ? "1 byte" : `${count} bytes`);

class ByteStream extends HTMLElement {
  /** @type {Stream} */
  #stream = new Stream("read");
  #pipe = el("ol", { class: "bytes" });
  #held = el("ol", { class: "bytes" });
  #received = el("ol", { class: "stream-received" });
  #pipeHead = el("small");
  #heldHead = el("small");
  #heldLane = el("div", { class: "stream-lane" });
  #status = el("p", { class: "widget-status", role: "status", "aria-live": "polite" });
  /** @type {HTMLButtonElement[]} */
  #sends = WORDS.map((word, which) => el("button", { type: "button", onclick: () => this.#send(which) }, `send ${quoted(word)}`));
  #close = el("button", { type: "button", onclick: () => this.#end("close") }, "close");
  #die = el("button", { type: "button", onclick: () => this.#end("die") }, "die inside “hello”");
  /** @type {HTMLButtonElement[]} */
  #reads = READS.map((most) =>
    el(
      "button",
      { type: "button", class: "main-button", onclick: () => this.#read(most) },
      most === 0 ? "read all there is" : `read up to ${most}`,
    ),
  );
  #reset = el("button", { type: "button", onclick: () => this.#restart(this.#stream.mode) }, "start over");
  /** @type {HTMLInputElement[]} */
  #choices = [];
  /** The name of this element's state in the address. */
  #key = "stream";

  connectedCallback() {
    if (this.dataset.live !== undefined) {
      return;
    }
    this.dataset.live = "";
    putAside(this);
    keepArrows(this);
    const others = [...document.querySelectorAll("byte-stream")].indexOf(this);
    this.#key = others > 0 ? `stream${others + 1}` : "stream";
    const name = freshId("stream-mode");
    const choice = el("fieldset", { class: "widget-choice" }, el("legend", {}, "What does the reader take for a message?"));
    for (const [value, words] of /** @type {[Mode, string][]} */ (Object.entries(MODES))) {
      const input = el("input", { type: "radio", name, value, onchange: () => this.#restart(value) });
      this.#choices.push(input);
      choice.append(el("label", {}, input, ` ${words}`));
    }
    this.#heldLane.append(this.#head("of-child", "kept by the reader", this.#heldHead), this.#held);
    this.append(
      el(
        "div",
        { class: "widget", role: "group", "aria-label": "A byte stream: send messages, cut the reads, and see what arrives" },
        choice,
        el(
          "div",
          { class: "stream-board" },
          this.#head("of-parent", "writer"),
          el("div", { class: "widget-buttons" }, ...this.#sends, this.#close, this.#die),
          el("div", { class: "stream-lane of-shared" }, this.#head("of-shared", "in the kernel", this.#pipeHead), this.#pipe),
          this.#head("of-child", "reader"),
          el("div", { class: "widget-buttons" }, ...this.#reads),
          this.#heldLane,
          el("div", { class: "stream-lane" }, this.#head("of-child", "messages received"), this.#received),
        ),
        this.#status,
        el("div", { class: "widget-buttons" }, this.#reset),
      ),
    );
    const kept = Stream.fromText(fromAddress(this.#key) ?? "");
    if (kept) {
      this.#stream = kept;
      this.#draw();
      this.#status.textContent = "As you left it.";
    } else {
      this.#restart(this.getAttribute("mode") === "frame" ? "frame" : "read");
    }
  }

  /**
   * @param {string} owner
   * @param {string} title
   * @param {...HTMLElement} more
   */
  #head(owner, title, ...more) {
    return el("p", { class: `stream-head ${owner}` }, el("span", {}, title), ...more);
  }

  /** @param {Mode} mode */
  #restart(mode) {
    this.#stream = new Stream(mode);
    this.#changed(
      mode === "read"
        ? "Send “hi” and “hello”. Then read."
        : "Each message now begins with its length: 00 00 00 02 before “hi”. Send two, and read them in pieces.",
    );
  }

  /** @param {number} which */
  #send(which) {
    const stream = this.#stream;
    const word = WORDS[which] ?? "";
    const isFirst = stream.pipe.length === 0;
    stream.send(which);
    if (stream.mode === "read" && word === "") {
      this.#changed("You sent an empty message: no byte goes into the kernel, so no read will ever return it.");
      return;
    }
    const where = isFirst ? "Its bytes are in the kernel" : "Its bytes follow the earlier ones directly";
    this.#changed(`The writer sent ${quoted(word)}. ${where}, and the kernel doesn’t know where a message ends.`);
  }

  /** @param {"close" | "die"} how */
  #end(how) {
    const stream = this.#stream;
    if (how === "close") {
      stream.close();
    } else {
      stream.die();
    }
    const what = how === "close" ? "The writer closed its end" : "The writer died when it had sent a part of “hello”, and the kernel closed its end";
    this.#changed(`${what}. Bytes that are in the kernel can still be read; after them, a read returns 0 bytes.`);
    this.#reads[0]?.focus({ preventScroll: true });
  }

  /** @param {number} most */
  #read(most) {
    const stream = this.#stream;
    const result = stream.read(most);
    if (!result) {
      this.#status.textContent = "There is nothing to read yet, so the read waits: the kernel lets the reader sleep until a byte comes.";
      return;
    }
    const returned = `The read returned ${bytesOf(result.count)}.`;
    this.#changed(result.count === 0 ? `${returned} ${this.#told()}` : `${returned} ${this.#made(result.found)}`);
    if (stream.end !== null) {
      this.#reset.focus({ preventScroll: true });
    }
  }

  /** What the reader makes of the end. */
  #told() {
    const { mode, end, writer } = this.#stream;
    if (mode === "read") {
      return writer === "died"
        ? "That is EOF. This reader can’t know that its last message was cut short."
        : "That is EOF: every write end is closed.";
    }
    return end === "inside"
      ? "That is EOF inside a message: an error, and the part that came is no message."
      : "That is EOF between two messages: a clean end.";
  }

  /**
   * What the reader makes of a read.
   *
   * @param {Received[]} found
   */
  #made(found) {
    const stream = this.#stream;
    const names = found.map(({ text }) => quoted(text)).join(" and ");
    if (stream.mode === "read") {
      const [one] = found;
      if (!one || one.isRight) {
        return `The reader takes that for a message, ${names}, and this time it is one.`;
      }
      return `The reader takes that for a message, ${names}. Nobody sent it.`;
    }
    const needs = stream.needs();
    const waits =
      stream.held.length === 0
        ? ""
        : needs === null
          ? ` It has ${stream.held.length} of the ${HEADER} bytes of a length, and keeps them.`
          : ` It knows the length, ${needs - HEADER}, has ${stream.held.length - HEADER} of these bytes, and keeps them.`;
    return found.length === 0 ? `No message is whole yet.${waits}` : `Now ${names} ${found.length === 1 ? "is" : "are"} whole.${waits}`;
  }

  /** @param {string} text */
  #changed(text) {
    toAddress({ [this.#key]: this.#stream.toText() });
    this.#draw();
    this.#status.textContent = text;
  }

  #draw() {
    const stream = this.#stream;
    for (const input of this.#choices) {
      input.checked = input.value === stream.mode;
    }
    this.#sends.forEach((button, which) => set(button, "disabled", !stream.hasRoom(WORDS[which] ?? "")));
    set(this.#close, "disabled", stream.writer !== "open");
    set(this.#die, "disabled", !stream.hasRoom("hello"));
    for (const button of this.#reads) {
      set(button, "disabled", stream.end !== null);
    }
    set(this.#reset, "disabled", stream.moves.length === 0);
    const state = { open: "", closed: ", then EOF", died: ", then EOF" }[stream.writer];
    this.#pipeHead.textContent = `${bytesOf(stream.pipe.length)}${state}`;
    this.#pipe.replaceChildren(...this.#cells(stream.pipe, false));
    const needs = stream.needs();
    this.#heldHead.textContent =
      stream.held.length === 0
        ? stream.mode === "read"
          ? "this reader keeps nothing"
          : "nothing"
        : needs === null
          ? `length: ${stream.held.length} of ${HEADER} bytes`
          : `message: ${stream.held.length - HEADER} of ${bytesOf(needs - HEADER)}`;
    this.#held.replaceChildren(...this.#cells(stream.held, true));
    set(this.#heldLane, "data-cut", stream.end === "inside");
    this.#received.replaceChildren(
      ...stream.received.map(({ text, isRight }) =>
        el(
          "li",
          { class: isRight ? "received" : "received received-wrong" },
          text === "" ? el("i", {}, "empty") : el("b", {}, text),
          el("small", {}, isRight ? "as sent" : "never sent"),
        ),
      ),
    );
    if (stream.received.length === 0) {
      this.#received.append(el("li", { class: "received-none" }, "none yet"));
    }
  }

  /**
   * The kernel's bytes all look the same; those that the reader keeps are told apart.
   *
   * @param {Byte[]} bytes
   * @param {boolean} known
   */
  #cells(bytes, known) {
    return bytes.map(({ text, isLength }) => el("li", { class: known && isLength ? "byte byte-length" : "byte" }, text));
  }
}

if (!customElements.get("byte-stream")) {
  customElements.define("byte-stream", ByteStream);
}
