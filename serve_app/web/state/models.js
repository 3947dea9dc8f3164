// Pretrained models that can be fetched, and how far that is. Asked for again and again only while
// something is fetched.

import { call, get } from "../api/http.js";
import { loadCapabilities } from "./service.js";
import { Store } from "./store.js";

const ASK_EVERY = 1500;

export const models = new Store({ rows: null });

let timer = 0;

export async function readModels() {
  clearTimeout(timer);
  const before = models.value.rows;
  try {
    models.set({ rows: (await get("/models")).models });
  } catch { /* nobody answers: tried again below */ }
  if (under(before) && !under(models.value.rows)) loadCapabilities(); // what is present has changed
  if (under(models.value.rows)) timer = setTimeout(readModels, ASK_EVERY);
}

/** @param {any[] | null} rows */
const under = (rows) => (rows ?? []).some((row) => ["queued", "running"].includes(row.download?.state));

/** @param {string} name */
export async function pull(name) {
  await call("POST", `/models/${name}/pull`, {});
  await readModels();
}

/** @param {string} name */
export async function stopPull(name) {
  await call("DELETE", `/models/${name}/pull`);
  await readModels();
}
