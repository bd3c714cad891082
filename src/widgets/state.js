// Where the widgets keep their state: in the address, so that a reload, a bookmark and a shared link show the same; in
// localStorage, what outlives the visit; in IndexedDB, a picked file, until another one is picked.

/**
 * A value in the address's query.
 *
 * @param {string} name
 * @returns {string | null}
 */
export function fromAddress(name) {
  return new URLSearchParams(location.search).get(name);
}

/**
 * Puts values into the address's query without a new entry in the history; `null` takes one out.
 *
 * @param {Record<string, string | null>} values
 */
export function toAddress(values) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(values)) {
    if (value === null) {
      url.searchParams.delete(name);
    } else {
      url.searchParams.set(name, value);
    }
  }
  try {
    history.replaceState(history.state, "", url);
  } catch {
    // A browser allows only so many changes in a while. The next one will say it all.
  }
}

/** Answers of this page's lifetime, for browsers that keep nothing. @type {Map<string, string>} */
const fallback = new Map();

/**
 * What was kept under this name.
 *
 * @param {string} name
 * @returns {string | null}
 */
export function recall(name) {
  try {
    return localStorage.getItem(name) ?? fallback.get(name) ?? null;
  } catch {
    return fallback.get(name) ?? null;
  }
}

/**
 * Keeps a value, or forgets it (`null`), and says whether it outlives the page.
 *
 * @param {string} name
 * @param {string | null} value
 * @returns {boolean}
 */
export function keep(name, value) {
  if (value === null) {
    fallback.delete(name);
  } else {
    fallback.set(name, value);
  }
  try {
    if (value === null) {
      localStorage.removeItem(name);
    } else {
      localStorage.setItem(name, value);
    }
    return true;
  } catch {
    return false;
  }
}

const SHELF = "files";

/** @returns {Promise<IDBDatabase>} */
function database() {
  return new Promise((opened, failed) => {
    const request = indexedDB.open("course-widgets", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(SHELF);
    request.onsuccess = () => opened(request.result);
    request.onerror = () => failed(request.error);
  });
}

/**
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(shelf: IDBObjectStore) => IDBRequest<T>} ask
 * @returns {Promise<T>}
 */
async function onShelf(mode, ask) {
  const base = await database();
  try {
    return await new Promise((done, failed) => {
      const request = ask(base.transaction(SHELF, mode).objectStore(SHELF));
      request.onsuccess = () => done(request.result);
      request.onerror = () => failed(request.error);
    });
  } finally {
    base.close();
  }
}

/**
 * Keeps a file's text for the next load of the page. A browser that keeps nothing is no error: the file can be picked again.
 *
 * @param {string} name
 * @param {string} text
 * @returns {Promise<void>}
 */
export async function keepFile(name, text) {
  await onShelf("readwrite", (shelf) => shelf.put(text, name)).catch(() => undefined);
}

/**
 * @param {string} name
 * @returns {Promise<string | null>}
 */
export async function keptFile(name) {
  /** @type {unknown} */
  const text = await onShelf("readonly", (shelf) => shelf.get(name)).catch(() => null);
  return typeof text === "string" ? text : null;
}
