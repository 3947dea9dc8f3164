// The page: a list of tasks, and the task that is looked at, live.

import { Refused, call, get, setKey, taskPath, upload, watch } from "./api.js";
import { Curves } from "./curves.js";
import { clearReport, showReport } from "./report.js";
import { StepRows } from "./steps.js";
import { showFiles } from "./tables.js";
import { show as showTexts, switchLanguage, text } from "./texts.js";
import { saveList, showTranscripts } from "./transcripts.js";

const byId = (id) => document.getElementById(id);
const curves = new Curves(byId("curves-panel"), byId("curves"));
const rows = new StepRows(byId("steps"), (step) => act("POST", `/step/${step}`, { params: {} }));
let open = null; // { id, stop }

function fail(error) {
  const notice = byId("notice");
  byId("key-form").hidden = error.status !== 401;
  notice.textContent = error instanceof Refused && error.status ? error.message : text("offline");
  notice.hidden = false;
  if (!(error instanceof Refused)) console.error(error);
}

function clearNotice() {
  byId("notice").hidden = true;
}

async function listTasks() {
  const tasks = await get("/tasks?limit=200");
  byId("task-list").replaceChildren(...tasks.map((task) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    const name = document.createElement("span");
    const badge = document.createElement("span");
    name.textContent = task.task_name;
    badge.textContent = task.status === "running" ? `${task.progress.toFixed(0)} %` : text(`state.${task.status}`);
    badge.className = `badge ${task.status}`;
    button.type = "button";
    button.title = task.task_id;
    button.setAttribute("aria-current", String(task.task_id === open?.id));
    button.addEventListener("click", () => openTask(task.task_id));
    button.append(name, badge);
    item.append(button);
    return item;
  }));
  byId("create").open ||= tasks.length === 0;
}

function openTask(id) {
  open?.stop.abort();
  open = { id, stop: new AbortController() };
  history.replaceState(null, "", `#${id}`);
  clearNotice();
  curves.clear();
  rows.clear();
  clearReport();
  byId("log").textContent = "";
  byId("empty").hidden = true;
  byId("task").hidden = false;
  refresh(new Set(["task", "files", "transcripts", "report", "log"]));
  watch(id, 0, (events) => takeIn(id, events), open.stop.signal);
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
    } catch (error) { fail(error); }
  }, 250);
}

async function showTask(id) {
  const [task, { steps }] = await Promise.all([get(taskPath(id)), get(taskPath(id, "/steps"))]);
  if (open?.id !== id) return;
  const busy = ["queued", "running"].includes(task.status);
  byId("task-title").textContent = task.task_name;
  byId("task-status").textContent = `${text(`state.${task.status}`)} · ${task.config.base_model} · ${task.config.language}`;
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
  try {
    clearNotice();
    for (const file of files) await upload(open.id, [file], (share) => { bar.value = share; });
  } catch (error) { fail(error); }
  bar.hidden = true;
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
  document.addEventListener("edited", () => refresh(new Set(["report"])));
  byId("save-list").addEventListener("click", () => saveList(open.id, fail));
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
