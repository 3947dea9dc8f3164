// Files on their way into the task: one after the other, checked before they are sent, tried again
// when the service is back. Leaving the page while one is under way asks first.

import { upload } from "../api/http.js";
import { inWords, t } from "../words/words.js";
import { whenBack } from "./connection.js";
import { isNoSound, measure, remembered } from "./measured.js";
import { Store } from "./store.js";
import { refresh } from "./task.js";

/** `queue`: {id, task, file, share, state: waiting|sending|refused, said} */
export const uploads = new Store({ queue: [] });

let number = 0;
let working = false;

/** @param {string} task @param {File[]} files */
export function add(task, files) {
  const rows = files.map((file) => ({ id: ++number, task, file, share: 0, state: "waiting", said: "" }));
  uploads.set((old) => ({ queue: [...old.queue, ...rows] }));
  if (!working) work();
}

/** @param {number} id */
export function forget(id) {
  uploads.set((old) => ({ queue: old.queue.filter((/** @type {any} */ row) => row.id !== id) }));
}

/** @param {number} id @param {Record<string, any>} change */
function put(id, change) {
  uploads.set((old) => ({ queue: old.queue.map((/** @type {any} */ row) => (row.id === id ? { ...row, ...change } : row)) }));
}

async function work() {
  working = true;
  for (;;) {
    const row = uploads.value.queue.find((/** @type {any} */ each) => each.state === "waiting");
    if (!row) break;
    await send(row);
  }
  working = false;
}

/** @param {any} row */
async function send({ id, task, file }) {
  put(id, { state: "sending" });
  try {
    if (await isNoSound(file)) return put(id, { state: "refused", said: t("noSound") });
    const found = await measure(file);
    const answer = await upload(task, [file], (share) => put(id, { share }));
    if (found) remembered(answer.sha256, found);
    forget(id);
    refresh(["files", "task"]);
  } catch (/** @type {any} */ error) {
    if (error.status !== 0 && error.status !== 503) return put(id, { state: "refused", said: inWords(error) });
    put(id, { state: "waiting", share: 0, said: t("waitsForService") });
    await whenBack();
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

addEventListener("beforeunload", (event) => {
  if (uploads.value.queue.some((/** @type {any} */ row) => row.state !== "refused")) event.preventDefault();
});
