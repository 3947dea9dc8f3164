// What belongs to the service as a whole: its tasks, what is installed, what may be set.

import { call, get, taskPath } from "../api/http.js";
import { connection } from "./connection.js";
import { Store } from "./store.js";

export const service = new Store({ tasks: null, capabilities: null, options: null, error: null });

const LIST_EVERY = 4000;
const MAX_TASKS = 500;

export async function listTasks() {
  try {
    service.set({ tasks: await get(`/tasks?limit=${MAX_TASKS}`), error: null });
  } catch (error) {
    service.set({ error });
  }
}

export async function start() {
  await listTasks();
  await Promise.all([loadCapabilities(), loadOptions()]);
}

export async function loadCapabilities() {
  try {
    service.set({ capabilities: await get("/capabilities") });
  } catch { /* the connection's state says it; asked for again when it is back */ }
}

async function loadOptions() {
  try {
    service.set({ options: await get("/options") });
  } catch { /* as above */ }
}

// Hidden pages ask for nothing; what was missed is asked for when the service is back.
setInterval(() => {
  if (!document.hidden && connection.value.state === "ok") listTasks();
}, LIST_EVERY);

connection.watch(() => {
  if (connection.value.state !== "ok") return;
  if (!service.value.capabilities) loadCapabilities();
  if (!service.value.options) loadOptions();
});

/** @param {string} name @param {Record<string, any>} config */
export async function createTask(name, config) {
  const task = await call("POST", "/task/create", { task_name: name, config });
  await listTasks();
  return task;
}

/** @param {string} id @param {string} name */
export async function renameTask(id, name) {
  await call("PATCH", taskPath(id), { task_name: name });
  await listTasks();
}

/** It has a job that is not over; what is paused holds nothing, but lets nothing else begin. */
export const isBusy = (/** @type {any} */ task) => ["queued", "running", "paused"].includes(task?.status);
