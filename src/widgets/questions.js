// <course-question>: a prediction, graded; <course-graded>: its grade, beside the measurement; <course-recall>: questions at
// the end of a chapter.
//
// The page holds question, options and a fold with the answer (tools/book/src/questions.rs writes them). Here the options
// become radio buttons in their place, so nothing moves, and the fold becomes a grade. Answers stay in this browser.

import { el, freshId, keepArrows } from "./dom.js";
import { keep, recall } from "./state.js";

const CHANGED = "course-answer";

/** The pieces of a question that the page holds. */
class Sheet {
  /** @param {HTMLElement} host */
  constructor(host) {
    this.host = host;
    this.question = host.querySelector(":scope > .question");
    this.list = host.querySelector(":scope > .question-options");
    this.fold = host.querySelector(":scope > .question-answer");
    this.options = [...(this.list?.querySelectorAll(":scope > li") ?? [])];
    this.answer = Number(this.list?.getAttribute("data-answer") ?? -1);
  }

  /**
   * An option's text, by which an answer is kept: the order of the options may change.
   *
   * @param {number} option
   */
  text(option) {
    return (this.options[option]?.textContent ?? "").trim().replaceAll(/\s+/g, " ");
  }

  /**
   * The option that was chosen before.
   *
   * @param {string} key
   * @returns {number | null}
   */
  chosen(key) {
    const kept = recall(key);
    const option = kept === null ? -1 : this.options.findIndex((_, index) => this.text(index) === kept);
    return option < 0 ? null : option;
  }

  /**
   * A copy of a part of the fold.
   *
   * @param {string} selector
   */
  part(selector) {
    const nodes = this.fold?.querySelector(selector)?.childNodes ?? [];
    return [...nodes].map((node) => node.cloneNode(true));
  }

  /**
   * What was said, what is right, and why. A wrong answer never looks confirmed: it has a cross, a dashed outline and the word.
   *
   * @param {number} option
   * @returns {HTMLElement}
   */
  grade(option) {
    const isRight = option === this.answer;
    const measured = this.part(".question-measured");
    const said = [...(this.options[option]?.querySelectorAll(".question-text") ?? [])].flatMap((text) =>
      [...text.childNodes].map((node) => node.cloneNode(true)),
    );
    const verdict = measured.length > 0 ? (isRight ? "Your guess was right" : "Your guess was not right") : isRight ? "Right" : "Not right";
    const answer = measured.length > 0 ? "Measured" : "The answer";
    const boxes = el(
      "div",
      { class: "grade" },
      el("div", { class: isRight ? "grade-right" : "grade-wrong" }, el("p", { class: "grade-head" }, `${isRight ? "✓" : "✗"} ${verdict}`), ...said),
    );
    if (!isRight || measured.length > 0) {
      const right = isRight ? [] : this.part(".question-right");
      boxes.append(el("div", { class: "grade-right" }, el("p", { class: "grade-head" }, answer), ...right, ...measured));
    }
    const why = el("div", { class: "grade-why" });
    if (!isRight) {
      why.append(...this.part(`.question-wrong dt[data-option="${option}"] + dd`));
    }
    why.append(...this.part(".question-why"));
    return el("div", {}, boxes, why);
  }
}

/**
 * Makes a question interactive, where it stands.
 *
 * @param {HTMLElement} host what holds question, options and fold
 * @param {string} key under which the answer is kept
 * @param {{ button: string, again: string, later: string | null, onGraded?: (wasRight: boolean) => void }} how `later`: where the grade is
 *   shown instead of here
 */
function ask(host, key, how) {
  const sheet = new Sheet(host);
  const { question, list, options } = sheet;
  if (!question || !list || options.length < 2) {
    return; // the static text stands as it is
  }
  host.dataset.live = "";
  keepArrows(host);
  question.id ||= freshId("question");
  list.setAttribute("role", "radiogroup");
  list.setAttribute("aria-labelledby", question.id);
  const name = freshId("options");
  const grade = el("div", { class: "question-grade", role: "status", "aria-live": "polite" });
  const buttons = el("div", { class: "widget-buttons" });
  const inputs = options.map((option, index) => {
    option.setAttribute("role", "none");
    const input = el("input", { type: "radio", name, value: String(index), onchange: () => draw(sheet.chosen(key)) });
    const text = el("span", { class: "question-text" });
    text.append(...[...option.childNodes].flatMap((node) => (node instanceof HTMLParagraphElement ? [...node.childNodes] : [node])));
    option.replaceChildren(el("label", {}, input, text));
    return input;
  });
  const submit = el("button", { type: "button", onclick: () => answer(inputs.findIndex((input) => input.checked)) }, how.button);
  const forget = el("button", { type: "button", class: "quiet-button", onclick: () => answer(null) }, how.again);

  /** @param {number | null} option */
  function answer(option) {
    if (option === -1) {
      return;
    }
    const lasts = keep(key, option === null ? null : sheet.text(option));
    draw(option);
    if (option === null) {
      for (const input of inputs) {
        input.checked = false;
      }
      submit.disabled = true;
      inputs[0]?.focus();
      grade.replaceChildren();
    } else {
      forget.focus({ preventScroll: true }); // the button that was pressed is gone
      if (!lasts) {
        grade.append(el("p", {}, "This browser keeps nothing, so the answer is forgotten when you leave the page."));
      }
    }
    document.dispatchEvent(new CustomEvent(CHANGED, { detail: key }));
  }

  /** @param {number | null} chosen the answer that was given, if any */
  function draw(chosen) {
    const isAnswered = chosen !== null;
    for (const [index, input] of inputs.entries()) {
      if (isAnswered) {
        input.checked = index === chosen;
      }
      input.disabled = isAnswered;
    }
    submit.disabled = !inputs.some((input) => input.checked);
    buttons.replaceChildren(isAnswered ? forget : submit);
    how.onGraded?.(chosen === sheet.answer);
    if (!isAnswered) {
      grade.replaceChildren();
    } else if (how.later === null) {
      grade.replaceChildren(sheet.grade(chosen));
    } else {
      grade.replaceChildren(el("p", {}, "Kept. ", el("a", { href: how.later }, "What was measured"), " comes later; read on."));
    }
  }

  host.append(buttons, grade);
  draw(sheet.chosen(key));
}

/** @param {string | null | undefined} key */
const keyOf = (key) => `course:${key ?? ""}`;

class CourseQuestion extends HTMLElement {
  connectedCallback() {
    if (this.dataset.live === undefined) {
      ask(this, keyOf(this.dataset.key), {
        button: "This is my guess",
        again: "forget my answer",
        later: this.dataset.graded ?? null,
      });
    }
  }
}

class CourseGraded extends HTMLElement {
  connectedCallback() {
    if (this.dataset.live !== undefined) {
      return;
    }
    this.dataset.live = "";
    const key = keyOf(this.dataset.key);
    const sheet = new Sheet(this);
    for (const option of sheet.options) {
      const text = el("span", { class: "question-text" });
      text.append(...[...option.childNodes].flatMap((node) => (node instanceof HTMLParagraphElement ? [...node.childNodes] : [node])));
      option.replaceChildren(text);
    }
    const grade = el("div", { class: "question-grade" });
    const draw = () => {
      const chosen = sheet.chosen(key);
      this.toggleAttribute("data-answered", chosen !== null);
      grade.replaceChildren(
        chosen === null
          ? el("p", {}, "You have not guessed yet. Guessing first helps: ", el("a", { href: this.dataset.ask ?? "" }, "do it now"), ", or look:")
          : sheet.grade(chosen),
      );
    };
    draw();
    document.addEventListener(CHANGED, draw);
    if (sheet.question) {
      sheet.question.after(grade);
    } else {
      this.prepend(grade);
    }
  }
}

class CourseRecall extends HTMLElement {
  connectedCallback() {
    if (this.dataset.live !== undefined) {
      return;
    }
    this.dataset.live = "";
    /** @type {Map<HTMLElement, boolean>} */
    const right = new Map();
    const questions = /** @type {HTMLElement[]} */ ([...this.querySelectorAll(".recall-question")]);
    const score = el("p", { class: "recall-score", role: "status" });
    const draw = () => {
      const count = [...right.values()].filter(Boolean).length;
      score.textContent = `${count} of ${questions.length} right.${count === questions.length ? " You can explain this chapter." : ""}`;
    };
    for (const question of questions) {
      const text = (question.querySelector(".question")?.textContent ?? "").trim().replaceAll(/\s+/g, " ");
      ask(question, keyOf(`${this.dataset.key ?? ""}/recall/${text}`), {
        button: "Check",
        again: "try again",
        later: null,
        onGraded: (wasRight) => {
          right.set(question, wasRight);
          draw();
        },
      });
    }
    this.append(score);
    draw();
  }
}

for (const [name, element] of /** @type {const} */ ([
  ["course-question", CourseQuestion],
  ["course-graded", CourseGraded],
  ["course-recall", CourseRecall],
])) {
  if (!customElements.get(name)) {
    customElements.define(name, element);
  }
}
