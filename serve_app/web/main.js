// The page: a list of tasks, and the task that is looked at, live.

import { Refused, call, get, setKey, taskPath, upload, watch } from "./api.js";
import { Curves } from "./curves.js";
import { clearReport, showReport } from "./report.js";
import { StepRows } from "./steps.js";
import { button, showFiles } from "./tables.js";
import { inWords, show as showTexts, switchLanguage, text } from "./texts.js";
import { loadList, saveList, showTranscripts } from "./transcripts.js";

const byId = (id) => document.getElementById(id);
const curves = new Curves(byId("curves-panel"), byId("curves"));
const rows = new StepRows(byId("steps"), (step) => act("POST", `/step/${step}`, { params: {} }));
let open = null; // { id, stop }

function fail(...errors) {
  byId("key-form").hidden = !errors.some((error) => error.status === 401);
  say(errors.map((error) => {
    if (!(error instanceof Refused)) console.error(error);
    return error instanceof Refused && error.status ? inWords(error) : text("offline");
  }));
}

function say(sentences) {
  const notice = byId("notice");
  notice.replaceChildren(...sentences.map((sentence) => {
    const line = document.createElement("div");
    line.textContent = sentence;
    return line;
  }));
  const close = button("×", clearNotice);
  close.setAttribute("aria-label", text("close"));
  notice.append(close);
  notice.hidden = false;
}

function clearNotice() {
  byId("notice").hidden = true;
}

async function listTasks() {
  const tasks = await get("/tasks?limit=200");
  byId("task-list").replaceChildren(...tasks.map((task) => {
    const item = document.createElement("li");
    const entry = document.createElement("button");
    const name = document.createElement("span");
    const badge = document.createElement("span");
    name.textContent = task.task_name;
    badge.textContent = stateOf(task);
    badge.className = `badge ${task.status}`;
    entry.type = "button";
    entry.title = task.task_id;
    entry.setAttribute("aria-current", String(task.task_id === open?.id));
    entry.addEventListener("click", () => openTask(task.task_id));
    entry.append(name, badge);
    item.append(entry);
    return item;
  }));
  byId("create").open ||= tasks.length === 0;
}

// "done" is the last step that ran; a task is done when all of them are.
function stateOf(task) {
  const partly = task.status === "running" || (task.status === "completed" && task.progress < 100);
  return partly ? `${Math.floor(task.progress)} %` : text(`state.${task.status}`);
}

function openTask(id) {
  open?.stop.abort();
  open = { id, stop: new AbortController() };
  history.replaceState(null, "", `#${id}`);
  clearNotice();
  curves.clear();
  rows.clear();
  clearReport();
  for (const name of ["log", "uploaded", "list-status"]) byId(name).textContent = "";
  byId("empty").hidden = true;
  byId("task").hidden = false;
  refresh(new Set(["task", "files", "transcripts", "report", "log"]));
  follow(id, open.stop.signal);
}

// Of what was before, only the curves are drawn from events; all else is asked for as it is now.
async function follow(id, signal) {
  try {
    const { last_event } = await get(taskPath(id));
    for (let after = 0; after < last_event;) {
      const page = await get(taskPath(id, `/events?kind=metric&after=${after}`));
      if (open?.id !== id) return;
      for (const event of page.events) if (event.seq <= last_event) curves.add(event.data);
      after = page.events.length ? page.next : last_event;
    }
    curves.draw();
    watch(id, last_event, (events) => takeIn(id, events), signal);
  } catch (error) {
    if (open?.id === id && error.status !== 404) fail(error); // `refresh` says that one
  }
}

function closeTask() {
  open?.stop.abort();
  open = null;
  history.replaceState(null, "", "/");
  byId("task").hidden = true;
  byId("empty").hidden = false;
}

function takeIn(id, events) {
  if (open?.id !== id) return;
  const changed = new Set(["task"]);
  for (const event of events) {
    if (event.kind === "progress") rows.progress(event.step, event.data);
    if (event.kind === "metric") curves.add(event.data);
    if (event.kind !== "progress" && event.kind !== "metric") changed.add("log");
    if (event.kind === "state" && ["completed", "failed"].includes(event.data.state)) {
      changed.add("files").add("transcripts").add("report");
    }
  }
  curves.draw();
  refresh(changed);
}

// Many events come at once; what they ask for is read once.
let wanted = new Set();
let timer = null;
function refresh(what) {
  for (const part of what) wanted.add(part);
  timer ??= setTimeout(async () => {
    const [id, parts] = [open?.id, wanted];
    [wanted, timer] = [new Set(), null];
    if (!id) return;
    try {
      if (parts.has("task")) await showTask(id);
      if (parts.has("files")) await showFiles(id, fail);
      if (parts.has("transcripts")) await showTranscripts(id, fail);
      if (parts.has("report")) showReport(id, fail);
      if (parts.has("log")) await showLog(id);
      await listTasks();
    } catch (error) {
      if (error.status === 404 && open?.id === id) closeTask(); // deleted, or never there
      fail(error);
    }
  }, 250);
}

async function showTask(id) {
  const [task, { steps }] = await Promise.all([get(taskPath(id)), get(taskPath(id, "/steps"))]);
  if (open?.id !== id) return;
  const busy = ["queued", "running"].includes(task.status);
  byId("task-title").textContent = task.task_name;
  byId("task-status").textContent = `${stateOf(task)} · ${task.config.base_model} · ${task.config.language}`;
  byId("task-status").className = `badge ${task.status}`;
  byId("task-progress").value = task.progress;
  byId("task-progress").setAttribute("aria-label", `${task.progress} %`);
  byId("task-error").textContent = task.error_message ?? "";
  byId("task-error").hidden = !task.error_message;
  byId("run").disabled = busy;
  byId("cancel").disabled = !busy;
  rows.show(steps, busy);
}

async function showLog(id) {
  const box = byId("log");
  const atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 30;
  box.textContent = (await get(taskPath(id, "/logs?tail=500"))).logs;
  if (atEnd) box.scrollTop = box.scrollHeight;
}

async function act(method, path, body) {
  try {
    clearNotice();
    await call(method, taskPath(open.id, path), body);
  } catch (error) { fail(error); }
  refresh(new Set(["task"]));
}

async function send(files) {
  const bar = byId("upload-progress");
  bar.hidden = false;
  clearNotice();
  const id = open.id;
  const refused = [], stored = [];
  for (const file of files) {
    bar.value = 0;
    try {
      stored.push((await upload(id, [file], (share) => { bar.value = share; })).filename);
    } catch (error) {
      refused.push(error);
      if (![413, 422].includes(error.status)) break; // the next would fare no better
    }
  }
  bar.hidden = true;
  if (refused.length) fail(...refused);
  if (open?.id === id && stored.length) byId("uploaded").textContent = `${text("uploaded")}: ${stored.join(", ")}`;
  refresh(new Set(["task", "files"]));
}

async function create(form) {
  const { task_name, ...config } = Object.fromEntries(new FormData(form));
  for (const name of ["epochs_s1", "epochs_s2", "batch_size"]) config[name] = Number(config[name]);
  try {
    clearNotice();
    const task = await call("POST", "/task/create", { task_name, config });
    byId("create").open = false;
    openTask(task.task_id);
    if (task.warnings.length) say(task.warnings);
  } catch (error) { fail(error); }
}

function listen() {
  byId("language").addEventListener("click", () => { switchLanguage(); refresh(new Set(["task", "files", "transcripts", "report"])); listTasks(); });
  byId("create-form").addEventListener("submit", (event) => { event.preventDefault(); create(event.target); });
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    setKey(byId("key").value);
    start();
  });
  byId("report-panel").addEventListener("toggle", () => open && showReport(open.id, fail));
  document.addEventListener("edited", () => { clearNotice(); refresh(new Set(["task", "report"])); });
  byId("save-list").addEventListener("click", () => saveList(open.id, fail));
  byId("load-list").addEventListener("click", () => byId("list-file").click());
  byId("list-file").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) loadList(open.id, file, fail);
    event.target.value = "";
  });
  byId("run").addEventListener("click", () => act("POST", "/run", {}));
  byId("cancel").addEventListener("click", () => act("POST", "/cancel"));
  byId("delete").addEventListener("click", async () => {
    if (!confirm(text("confirmDelete"))) return;
    await act("DELETE", "");
    closeTask();
    listTasks().catch(fail);
  });
  const drop = byId("drop");
  byId("upload").addEventListener("change", (event) => { send([...event.target.files]); event.target.value = ""; });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragover");
      if (kind === "drop") send([...event.dataTransfer.files]);
    });
  }
}

async function start() {
  clearNotice();
  byId("key-form").hidden = true;
  try {
    await listTasks();
    const { base_models } = await get("/capabilities");
    const select = document.querySelector("select[name=base_model]");
    select.replaceChildren(...["auto", ...base_models.filter((m) => m.present).map((m) => m.name)].map((name) => new Option(name)));
    if (location.hash.length > 1) openTask(location.hash.slice(1));
  } catch (error) { fail(error); }
}

showTexts();
listen();
setInterval(() => rows.tick(), 1000);
setInterval(() => listTasks().catch(() => {}), 10_000);
start();
