// All voices: a card each, what the service is busy with, and how to begin.

import { call, filePath, get, taskPath } from "../api/http.js";
import { Action } from "../parts/action.js";
import { html, takeFocus, useEffect, useState } from "../parts/html.js";
import { Icon } from "../parts/icon.js";
import { Play } from "../parts/play.js";
import { voiceLink } from "../state/route.js";
import { isBusy, listTasks, renameTask, service } from "../state/service.js";
import { useStore } from "../state/store.js";
import { Sentence } from "../words/said.js";
import { inWords, ownWords, t, when } from "../words/words.js";
import { SmallBase } from "./bases.js";
import { Create } from "./create.js";

const CARDS = 60;

export function Home() {
  const { tasks, error, capabilities } = useStore(service);
  const [wanted, want] = useState("");
  const [creating, create] = useState(false);
  const [most, more] = useState(CARDS);
  const found = (tasks ?? []).filter((/** @type {any} */ task) => matches(task, wanted));
  return html`<div class="row head"><h1>${t("voices")}</h1><span class="grow"></span>
      ${tasks?.length > 3 ? html`<label class="inline"><span class="unseen">${t("search")}</span>
        <input id="search" type="search" placeholder=${t("search")} value=${wanted} onInput=${(/** @type {any} */ event) => want(event.target.value)} /></label>` : null}
      <a class="button" href="#/library">${t("importVoice")}</a>
      <button type="button" id="new" class="primary" onClick=${() => create(true)}>${t("newVoice")}</button></div>
    <${SmallBase} capabilities=${capabilities} />
    ${error && !tasks ? html`<p class="banner bad" role="alert">${inWords(error)}</p>` : null}
    ${tasks === null && !error ? html`<p class="dim" aria-busy="true">${t("loading")}</p>` : null}
    ${tasks?.length === 0 ? html`<${Welcome} onNew=${() => create(true)} />` : null}
    <ul class="cards">${found.slice(0, most).map((/** @type {any} */ task) => html`<${task.delete_at ? Deleted : Card} key=${task.task_id} task=${task} />`)}</ul>
    ${found.length > most ? html`<button type="button" onClick=${() => more(most + CARDS)}>${t("more", { n: found.length - most })}</button>` : null}
    ${tasks?.length && !found.length ? html`<p class="dim">${t("noneFound")}</p>` : null}
    ${creating ? html`<${Create} onClose=${() => create(false)} />` : null}`;
}

/** @param {any} task @param {string} wanted */
function matches(task, wanted) {
  const text = `${task.task_name} ${task.config.exp_name} ${task.config.language} ${task.task_id}`.toLowerCase();
  return wanted.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function Welcome({ onNew }) {
  return html`<section class="panel welcome"><h2>${t("welcome")}</h2><ol>
      ${["welcome.1", "welcome.2", "welcome.3", "welcome.4"].map((key) => html`<li>${t(key)}</li>`)}</ol>
    <button type="button" class="primary" onClick=${onNew}>${t("newVoice")}</button></section>`;
}

/** What a status means for people: "completed" is only the last run. @param {any} task */
export function stateWords(task) {
  if (isBusy(task)) return `${t(`state.${task.status}`)} · ${Math.floor(task.progress)} %`;
  const speaks = task.progress >= 100 || task.current_step === "test_inference";
  if (task.status === "completed" && !speaks) return t("state.partly", { n: Math.floor(task.progress) });
  return t(task.status === "completed" ? "state.voice" : `state.${task.status}`);
}

function Card({ task }) {
  const [summary, setSummary] = useState(/** @type {any} */ (null));
  const [naming, name] = useState(false);
  useEffect(() => {
    const stop = new AbortController();
    get(taskPath(task.task_id, "/summary"), stop.signal).then(setSummary, () => {});
    return () => stop.abort();
  }, [task.task_id, task.updated_at.slice(0, 18), task.status]);
  const sample = summary?.sample;
  return html`<li class="card" data-task=${task.task_id}>
    ${naming ? html`<${Rename} task=${task} onDone=${() => name(false)} />`
      : html`<h2><a href=${voiceLink(task.task_id)}>${task.task_name}</a></h2>`}
    <p class="facts"><span>${t(`language.${task.config.language}`)}</span>
      <span title=${ownWords(summary?.base_model?.reason ?? "") ?? ""}>${summary?.base_model?.name ?? task.config.base_model}</span>
      ${summary?.grade ? html`<span class=${`grade grade-${summary.grade}`} title=${t("grade")}>${summary.grade}</span>` : null}
      <span class="dim">${when(task.created_at)}</span></p>
    <p class=${`status ${task.status}`}>${stateWords(task)}</p>
    ${isBusy(task) ? html`<progress max="100" value=${task.progress} aria-label=${`${task.task_name}: ${Math.floor(task.progress)} %`} />` : null}
    ${task.error_message ? html`<p class="error small"><${Sentence} said=${task.error_message} /></p>` : null}
    ${sample ? html`<p class="sample"><${Play} path=${filePath(task.task_id, sample.file)} label=${sample.text} /> <q>${sample.text}</q></p>` : null}
    <div class="row foot"><a class="button" href=${voiceLink(task.task_id)}>${t("open")}</a><span class="grow"></span>
      <button type="button" class="plain" aria-label=${`${t("rename")}: ${task.task_name}`} onClick=${() => name(true)}><${Icon} name="pen" /></button>
      <${Delete} task=${task} /></div>
  </li>`;
}

function Rename({ task, onDone }) {
  const [value, put] = useState(task.task_name);
  const [bad, setBad] = useState("");
  const send = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      await renameTask(task.task_id, value);
      onDone();
    } catch (error) { setBad(inWords(error)); }
  };
  return html`<form class="row" onSubmit=${send} onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && onDone()}>
    <label class="grow"><span class="unseen">${t("name")}</span><input value=${value} required maxlength="200" ref=${takeFocus} onInput=${(/** @type {any} */ event) => put(event.target.value)} /></label>
    <button class="primary">${t("save")}</button>${bad ? html`<span role="alert" class="said bad">${bad}</span>` : null}</form>`;
}

const UNDO_SECONDS = 60;

// One press: the service keeps it for a minute, also when this page is closed. What refuses to be
// deleted stays, and says why.
export function Delete({ task, onGone }) {
  return html`<${Action} kind="plain" label=${html`<${Icon} name="bin" />`} ariaLabel=${`${t("delete")}: ${task.task_name}`} title=${t("deleteWords")} run=${async () => {
    await call("DELETE", taskPath(task.task_id, `?undo_seconds=${UNDO_SECONDS}`));
    await listTasks();
    onGone?.();
  }} />`;
}

function Deleted({ task }) {
  const left = () => Math.max(0, Math.ceil((Date.parse(task.delete_at) - Date.now()) / 1000));
  const [seconds, tick] = useState(left);
  useEffect(() => {
    const timer = setInterval(() => tick(left()), 1000);
    return () => clearInterval(timer);
  }, [task.delete_at]);
  return html`<li class="card deleted" data-task=${task.task_id}><h2>${task.task_name}</h2>
    <p role="status">${t("deleted", { n: seconds })}</p>
    <div class="row foot"><${Action} kind="primary" label=${t("undo")} ariaLabel=${`${t("undo")}: ${task.task_name}`} run=${async () => {
      await call("POST", taskPath(task.task_id, "/restore"));
      await listTasks();
    }} /></div></li>`;
}
