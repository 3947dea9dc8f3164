// The task that is looked at: read whole when it is opened, then kept up by its event stream.

import { call, get, taskPath } from "../api/http.js";
import { watch } from "../api/stream.js";
import { Curves } from "./curves.js";
import { listTasks } from "./service.js";
import { Store } from "./store.js";

const TOGETHER_MS = 200;
const ASK_AGAIN_MS = 2000;
const ALL = ["task", "files", "transcripts", "log"];

/** @param {string | null} id */
function nothing(id) {
  return {
    id, ready: false, missing: false, error: null, task: null, steps: [], files: [], transcripts: [],
    etag: "", report: null, reportState: "none", reportError: null, log: "", live: {}, curves: new Curves(), drawn: 0,
  };
}

export const open = new Store(nothing(null));
let stop = new AbortController();

/** @param {string | null} id */
export function openTask(id) {
  if (open.value.id === id) return;
  stop.abort();
  stop = new AbortController();
  open.set(nothing(id));
  if (id) load(id, stop.signal);
}

/** @param {string} id @param {AbortSignal} signal */
async function load(id, signal) {
  try {
    const { last_event: last } = await get(taskPath(id), signal);
    await read(id, ALL);
    if (signal.aborted) return;
    open.set({ ready: true });
    watch(id, last, (events) => takeIn(id, events), signal);
    await readCurves(id, last, signal);
  } catch (/** @type {any} */ error) {
    if (signal.aborted) return;
    if (error.status === 404) return open.set({ missing: true, ready: true });
    open.set({ error });
    setTimeout(() => signal.aborted || load(id, signal), ASK_AGAIN_MS);
  }
}

/** Of what was before, only curves are drawn from events; all else is read as it is now.
 * @param {string} id @param {number} last @param {AbortSignal} signal */
async function readCurves(id, last, signal) {
  for (let after = 0; after < last;) {
    const page = await get(taskPath(id, `/events?kind=metric&after=${after}`), signal);
    for (const event of page.events) if (event.seq <= last) open.value.curves.add(event);
    after = page.events.length ? page.next : last;
  }
  open.set((old) => ({ drawn: old.drawn + 1 }));
}

/** @param {string} id @param {any[]} events */
function takeIn(id, events) {
  if (open.value.id !== id) return;
  const changed = new Set(["task"]);
  const live = { ...open.value.live };
  for (const event of events) {
    if (event.kind === "progress") live[event.step] = event.data;
    if (event.kind === "metric") open.value.curves.add(event);
    if (event.kind !== "progress" && event.kind !== "metric") changed.add("log");
    if (event.kind === "log") changed.add("files").add("transcripts");
    if (event.kind === "state") {
      delete live[event.step];
      if (["completed", "failed"].includes(event.data.state)) changed.add("files").add("transcripts");
    }
  }
  open.set((old) => ({ live, drawn: old.drawn + 1 }));
  refresh([...changed]);
}

/** @type {Set<string>} */
let wanted = new Set();
let timer = 0;

/** Many events come at once; what they ask for is read once.
 * @param {string[]} parts */
export function refresh(parts) {
  for (const part of parts) wanted.add(part);
  if (timer) return;
  timer = setTimeout(async () => {
    const id = open.value.id, now = [...wanted];
    wanted = new Set();
    timer = 0;
    if (!id) return;
    try {
      await read(id, now);
      listTasks();
    } catch (/** @type {any} */ error) {
      if (open.value.id === id && error.status === 404) open.set({ missing: true });
      // Else nobody answers: the connection's state shows it, and the stream goes on by itself.
    }
  }, TOGETHER_MS);
}

/** @param {string} id @param {string[]} parts */
async function read(id, parts) {
  const found = await Promise.all(parts.map((part) => READERS[part](id)));
  if (open.value.id === id) open.set(Object.assign({}, ...found));
}

/** @type {Record<string, (id: string) => Promise<any>>} */
const READERS = {
  task: async (id) => {
    const [task, { steps }] = await Promise.all([get(taskPath(id)), get(taskPath(id, "/steps"))]);
    return { task, steps, error: null };
  },
  files: async (id) => ({ files: (await get(taskPath(id, "/files"))).files }),
  transcripts: async (id) => ({ transcripts: (await get(taskPath(id, "/transcripts"))).transcripts }),
  log: async (id) => ({ log: (await get(taskPath(id, "/logs?tail=2000"))).logs }),
};

let asked = 0;

/** The doctor's report; measuring takes a while, so it is asked for only where it is shown. */
export async function readReport() {
  const turn = ++asked, id = open.value.id;
  if (!id) return;
  open.set({ reportState: "working" });
  try {
    let answer = await get(taskPath(id, "/report"));
    while (answer.state === "working") {
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
      if (turn !== asked || open.value.id !== id) return;
      answer = await get(taskPath(id, "/report"));
    }
    if (turn === asked && open.value.id === id) open.set({ report: answer.report, reportState: "ready", reportError: null });
  } catch (error) {
    if (turn === asked && open.value.id === id) open.set({ reportState: "none", reportError: error });
  }
}

/** Run what is left of the steps up to `to`. @param {Record<string, any>} body */
export async function run(body) {
  const answer = await call("POST", taskPath(open.value.id, "/run"), body);
  await read(open.value.id, ["task"]);
  refresh(["task"]);
  return answer;
}

export async function cancel() {
  await call("POST", taskPath(open.value.id, "/cancel"));
  refresh(["task"]);
}

/** Gives the CPUs and GPUs back; what was done is kept. */
export async function pause() {
  await call("POST", taskPath(open.value.id, "/pause"));
  refresh(["task"]);
}

export async function resume() {
  await call("POST", taskPath(open.value.id, "/resume"));
  refresh(["task"]);
}

/** @param {any[]} rows as the service answered them */
export function putRows(rows) {
  const by = new Map(rows.map((row) => [row.clip, row]));
  open.set((old) => ({ transcripts: old.transcripts.map((/** @type {any} */ row) => by.get(row.clip) ?? row) }));
}

/** @param {string} name */
export const stepNamed = (name) => open.value.steps.find((/** @type {any} */ step) => step.step === name);
