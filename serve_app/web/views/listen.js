// A long text is heard from its beginning, or a chapter's, while the rest of it is still being said:
// block by block, waiting for what is not there yet.

import { fetchBlob } from "../api/http.js";
import { html, useEffect, useRef, useState } from "../parts/html.js";
import { playToEnd, playing, stopPlaying } from "../parts/play.js";
import { bookPath, books, isUnderWay } from "../state/books.js";
import { inWords, t } from "../words/words.js";

/** @param {{book: any, first?: number, label: string, small?: boolean}} props `first`: the block to begin with, from 0 */
export function Listen({ book, first = 0, label, small = false }) {
  const [state, put] = useState({ at: -1, waits: false, bad: "" });
  const session = useRef(/** @type {AbortController | null} */ (null));
  const key = `book ${book.book_id} ${first}`;
  const end = () => {
    session.current?.abort();
    session.current = null;
    if (playing.value.key === key) stopPlaying();
  };
  useEffect(() => end, []);
  const begin = async () => {
    const stop = new AbortController();
    session.current = stop;
    let bad = "";
    try {
      for (let number = first; number < book.num_blocks; number++) {
        put({ at: number, waits: true, bad: "" });
        const sound = await blockOf(book.book_id, number, stop.signal);
        put({ at: number, waits: false, bad: "" });
        if (!sound || stop.signal.aborted || !(await playToEnd(key, sound))) break;
      }
    } catch (error) {
      if (!stop.signal.aborted) bad = inWords(error);
    }
    if (session.current === stop) session.current = null;
    if (!session.current) put({ at: -1, waits: false, bad });
  };
  const on = state.at >= 0;
  return html`<button type="button" class=${small ? `play ${on ? "on" : ""}` : ""} aria-pressed=${on} aria-busy=${state.waits} aria-label=${`${t(on ? "stop" : "listen")}: ${label}`} title=${t("listenWords")}
    onClick=${() => (on ? end() : begin())}>${on ? "■" : "▶"}${small ? "" : ` ${t("listen")}`}</button>
    ${on ? html` <span class="dim small" role="status">${t(state.waits ? "listenWaits" : "listenAt", { n: state.at + 1, all: book.num_blocks })}</span>` : null}
    ${state.bad ? html`<span role="alert" class="said bad">${state.bad}</span>` : null}`;
}

/** The sound of a block, waited for while the book is being said; null: it will not come.
 * @param {string} id @param {number} number @param {AbortSignal} signal @returns {Promise<Blob | null>} */
async function blockOf(id, number, signal) {
  for (;;) {
    try {
      return await fetchBlob(bookPath(id, `/blocks/${number + 1}/audio`), signal);
    } catch (/** @type {any} */ error) {
      if (error.code !== "conflict") throw error;
      const row = books.value.rows?.find((/** @type {any} */ each) => each.book_id === id);
      if (!row || !isUnderWay(row)) return null;
      await nextNews(signal);
    }
  }
}

/** Resolves when the list of books was read again. @param {AbortSignal} signal */
function nextNews(signal) {
  return new Promise((resolve, reject) => {
    const forget = books.watch(() => { forget(); resolve(undefined); });
    signal.addEventListener("abort", () => { forget(); reject(signal.reason); });
  });
}
