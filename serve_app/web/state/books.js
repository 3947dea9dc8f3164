// Long texts that are spoken in the background. Asked for again only while one is being said.

import { call, get } from "../api/http.js";
import { Store } from "./store.js";

const ASK_EVERY = 2000;

/** Newest first; null: not asked yet. */
export const books = new Store({ rows: null, error: null });

let timer = 0;

export async function readBooks() {
  clearTimeout(timer);
  try {
    books.set({ rows: (await get("/books")).books.reverse(), error: null });
  } catch (error) {
    books.set({ error });
  }
  if ((books.value.rows ?? []).some(isUnderWay)) timer = setTimeout(readBooks, ASK_EVERY);
}

/** No view shows them any more. */
export function leaveBooks() {
  clearTimeout(timer);
}

export const isUnderWay = (/** @type {any} */ book) => ["queued", "running"].includes(book.state);

/** @param {string} id */
export const bookPath = (id, rest = "") => `/books/${encodeURIComponent(id)}${rest}`;

/** @param {string} method @param {string} path @param {any} [body] */
export async function changeBooks(method, path, body) {
  await call(method, path, body);
  await readBooks();
}
