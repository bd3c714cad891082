// What the widgets share: building elements without innerHTML, and keeping the static content for print.

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
    } else if (value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children);
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
