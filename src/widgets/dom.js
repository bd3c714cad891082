// What the widgets share: building elements without innerHTML, keeping the static content for print, and keeping the arrow
// keys from mdBook, which takes them for "next chapter".

/**
 * Builds an element. Keys that begin with `on` are listeners, all others attributes.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | boolean | ((event: Event) => void)>} [attributes] `true` sets an empty attribute, `false` none
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      element.addEventListener(name.replace(/^on/, ""), value);
    } else {
      set(element, name, value);
    }
  }
  element.append(...children);
  return element;
}

/**
 * Sets an attribute, or removes it.
 *
 * @param {Element} element
 * @param {string} name
 * @param {string | boolean} value `true` sets an empty attribute, `false` removes it
 */
export function set(element, name, value) {
  if (value === false) {
    element.removeAttribute(name);
  } else {
    element.setAttribute(name, value === true ? "" : value);
  }
}

/**
 * Builds an element of SVG.
 *
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string>} [attributes]
 * @returns {SVGElementTagNameMap[K]}
 */
export function svg(tag, attributes = {}) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  return element;
}

/**
 * Wraps what the page holds without JavaScript: still there for print, and put aside on screen.
 *
 * @param {HTMLElement} host
 * @returns {HTMLElement} the wrapper
 */
export function putAside(host) {
  const aside = el("div", { class: "widget-static" });
  aside.append(...host.childNodes);
  host.append(aside);
  return aside;
}

/**
 * Keeps the arrow keys inside: they move between choices, along a slider or in a table, and turn no page.
 *
 * @param {HTMLElement} host
 */
export function keepArrows(host) {
  host.addEventListener("keydown", (event) => {
    if (event.key.startsWith("Arrow")) {
      event.stopPropagation();
    }
  });
}

let count = 0;

/**
 * An id that no other element has.
 *
 * @param {string} stem
 */
export function freshId(stem) {
  count += 1;
  return `${stem}-${count}`;
}
