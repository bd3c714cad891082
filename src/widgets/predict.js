// <course-predict name="…">: the reader writes down an expectation; <course-predict show="…"> shows it again later.
//
// The answer stays in this browser (localStorage). Without JavaScript the question and its choices are plain text.

import { el, freshId, putAside } from "./dom.js";

const PREFIX = "course-predict:";
const KEPT = "course-predict";

/** Answers of this page's lifetime, for browsers that keep nothing. @type {Map<string, string>} */
const fallback = new Map();

/**
 * @param {string} name
 * @returns {string | null}
 */
function recall(name) {
  try {
    return localStorage.getItem(PREFIX + name) ?? fallback.get(name) ?? null;
  } catch {
    return fallback.get(name) ?? null;
  }
}

/**
 * Keeps an answer, and says whether it outlives the page.
 *
 * @param {string} name
 * @param {string | null} answer null: forget it
 * @returns {boolean}
 */
function keep(name, answer) {
  let lasts = true;
  if (answer === null) {
    fallback.delete(name);
  } else {
    fallback.set(name, answer);
  }
  try {
    if (answer === null) {
      localStorage.removeItem(PREFIX + name);
    } else {
      localStorage.setItem(PREFIX + name, answer);
    }
  } catch {
    lasts = false;
  }
  document.dispatchEvent(new CustomEvent(KEPT, { detail: name }));
  return lasts;
}

class CoursePredict extends HTMLElement {
  connectedCallback() {
    if (this.dataset.live !== undefined) {
      return;
    }
    const asked = this.getAttribute("name");
    const shown = this.getAttribute("show");
    if (asked) {
      this.#ask(asked);
    } else if (shown) {
      this.#show(shown);
    }
  }

  /** @param {string} name */
  #ask(name) {
    const question = this.querySelector("p")?.textContent?.trim() ?? "";
    const choices = [...this.querySelectorAll("li")].map((item) => item.textContent?.trim() ?? "");
    if (!question || choices.length < 2) {
      return; // the static text stands as it is
    }
    this.dataset.live = "";
    putAside(this);
    const group = freshId("predict");
    const field = el("fieldset", {}, el("legend", {}, question));
    const status = el("p", { class: "widget-status", role: "status", "aria-live": "polite" });
    const before = recall(name);
    for (const choice of choices) {
      field.append(
        el(
          "label",
          {},
          el("input", {
            type: "radio",
            name: group,
            value: choice,
            checked: choice === before,
            onchange: () => {
              const lasts = keep(name, choice);
              status.textContent = lasts
                ? "Kept in this browser. You meet it again beside the measurement."
                : "This browser keeps nothing, so it is remembered until you leave the page.";
            },
          }),
          ` ${choice}`,
        ),
      );
    }
    if (before !== null) {
      status.textContent = "This is what you answered before.";
    }
    const forget = el("button", {
      type: "button",
      onclick: () => {
        keep(name, null);
        for (const input of field.querySelectorAll("input")) {
          input.checked = false;
        }
        status.textContent = "Forgotten.";
      },
    });
    forget.textContent = "forget my answer";
    this.append(el("div", { class: "widget widget-predict" }, field, el("div", { class: "widget-buttons" }, forget), status));
  }

  /** @param {string} name */
  #show(name) {
    this.dataset.live = "";
    const text = el("p", { class: "predicted" });
    const draw = () => {
      const answer = recall(name);
      text.replaceChildren(
        ...(answer === null
          ? ["You have not predicted this one: ", el("a", { href: "#predict" }, "do it now"), ", it helps."]
          : ["You predicted: ", el("b", {}, answer)]),
      );
    };
    draw();
    document.addEventListener(KEPT, draw);
    this.replaceChildren(text);
  }
}

if (!customElements.get("course-predict")) {
  customElements.define("course-predict", CoursePredict);
}
