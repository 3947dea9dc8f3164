// Whether the service answers. Every request reports here, and while nobody answers the page asks
// again by itself; what runs in the service cannot be known meanwhile, and the page says so.

import { Store } from "./store.js";

const ASK_EVERY = 5000;
const ASK_WHEN_GONE = 1500;
const PATIENCE = 6000;

/** `state`: unknown, ok, gone, starting, locked (a key is needed). `since`: when it was last seen. */
export const connection = new Store({ state: "unknown", since: Date.now(), health: null });

/** @param {number} status */
export function answered(status) {
  const state = status === 401 ? "locked" : connection.value.state === "starting" ? "starting" : "ok";
  connection.value.since = Date.now();
  if (state !== connection.value.state) connection.set({ state });
}

export function unanswered() {
  if (connection.value.state !== "gone") connection.set({ state: "gone" });
}

let timer = 0;

/** Ask for the service's health now, and from now on again and again. */
export async function askHealth() {
  clearTimeout(timer);
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const response = await fetch("/health/ready", { signal, headers: { Accept: "application/json" } });
    const health = await response.json();
    const locked = connection.value.state === "locked";
    const state = !response.ok ? "starting" : locked ? "locked" : "ok";
    connection.value.since = Date.now();
    connection.set({ state, health });
  } catch {
    unanswered();
  }
  timer = setTimeout(askHealth, connection.value.state === "ok" ? ASK_EVERY : ASK_WHEN_GONE);
}

/** Resolves as soon as the service answers again. */
export function whenBack() {
  return new Promise((resolve) => {
    if (connection.value.state === "ok") return resolve(undefined);
    const forget = connection.watch(() => {
      if (connection.value.state !== "ok") return;
      forget();
      resolve(undefined);
    });
  });
}
