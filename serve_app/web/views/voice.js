// One voice: its name and state above, five sections below.

import { Action } from "../parts/action.js";
import { html, useEffect } from "../parts/html.js";
import { connection } from "../state/connection.js";
import { SECTIONS, go, route, voiceLink } from "../state/route.js";
import { isBusy } from "../state/service.js";
import { useStore } from "../state/store.js";
import { cancel, open, pause, resume } from "../state/task.js";
import { Sentence } from "../words/said.js";
import { inWords, stepName, t } from "../words/words.js";
import { Files } from "./files.js";
import { Delete, stateWords } from "./home.js";
import { Recordings } from "./recordings.js";
import { Review } from "./review.js";
import { Speak } from "./speak.js";
import { Train } from "./train.js";

/** @type {Record<string, any>} */
const VIEWS = { recordings: Recordings, review: Review, train: Train, speak: Speak, files: Files };

export function Voice({ id }) {
  const { section } = useStore(route);
  const now = useStore(open);
  const state = now.id === id ? now : {}; // not yet opened: what is known is of another voice
  useEffect(() => {
    // Without a section in the address: the one where the work is.
    if (state.ready && state.task && !section) go(voiceLink(id, whereToGo(state)), true);
  }, [state.ready, section]);
  if (state.missing) return html`<div class="panel narrow"><h1>${t("noSuchVoice")}</h1><p><a href="#/">${t("allVoices")}</a></p></div>`;
  if (!state.ready || !state.task) {
    return html`<div aria-busy="true" class="waiting">${state.error ? html`<p class="banner bad" role="alert">${inWords(state.error)}</p>` : html`<p class="dim">${t("loading")}</p>`}</div>`;
  }
  const View = VIEWS[section ?? "recordings"];
  return html`<${Head} state=${state} />
    <nav class="tabs" aria-label=${t("sections")}>${SECTIONS.map((name, index) => html`<a href=${voiceLink(id, name)}
      aria-current=${name === section ? "page" : undefined}><span class="number" aria-hidden="true">${index + 1}</span> ${t(`section.${name}`)} <small>${count(name, state)}</small></a>`)}</nav>
    <section class="view" aria-label=${t(`section.${section ?? "recordings"}`)}><${View} key=${section} /></section>`;
}

/** @param {any} state */
function whereToGo(state) {
  if (isBusy(state.task)) return ["train_sovits", "train_gpt"].includes(state.task.current_step) ? "train" : "recordings";
  if (state.files.some((/** @type {any} */ file) => file.kind === "output")) return "speak";
  return state.transcripts.length ? "review" : "recordings";
}

/** @param {string} name @param {any} state */
function count(name, state) {
  const kinds = { recordings: (/** @type {any} */ file) => file.kind === "input", speak: (/** @type {any} */ file) => file.kind === "output" && file.name.endsWith(".wav") };
  if (name in kinds) return state.files.filter(kinds[/** @type {"speak"} */ (name)]).length || "";
  return name === "review" ? state.transcripts.length || "" : "";
}

function Head({ state }) {
  const { task, steps, live } = state;
  const gone = useStore(connection, (value) => value.state !== "ok");
  const busy = isBusy(task);
  const step = steps.find((/** @type {any} */ each) => each.step === task.current_step);
  const told = live[task.current_step]?.message || step?.message || "";
  return html`<div class="row head"><a href="#/" class="quiet" aria-label=${t("allVoices")}>←</a>
      <h1 id="task-title">${task.task_name}</h1>
      <span id="task-status" class=${`badge ${gone && busy ? "unknown" : task.status}`}>${gone && busy ? t("state.unknown") : stateWords(task)}</span>
      <span class="dim">${t(`language.${task.config.language}`)}</span>
      <span class="grow"></span>
      ${busy ? html`<${Action} key=${task.status} id="pause" label=${t(task.status === "paused" ? "resume" : "pause")} run=${task.status === "paused" ? resume : pause} disabled=${gone} /><${Action} id="cancel" kind="danger" label=${t("cancel")} run=${cancel} disabled=${gone} />` : null}
      <${Delete} task=${task} onGone=${() => go("#/")} /></div>
    ${busy ? html`<div class=${`now ${gone ? "unknown" : ""}`}><progress id="task-progress" max="100" value=${task.progress} aria-label=${`${Math.floor(task.progress)} %`} />
      <p class="dim small" role="status">${stepName(task.current_step)} ${told ? html`· <${Sentence} said=${told} />` : ""}</p></div>` : null}
    ${task.error_message ? html`<${Failure} step=${step} task=${task} />` : null}`;
}

function Failure({ step, task }) {
  const error = step?.error;
  return html`<p id="task-error" class="banner bad" role="alert"><strong>${stepName(step?.step)}</strong> ${error ? inWords({ ...error, status: 422, facts: error }) : html`<${Sentence} said=${task.error_message} />`}</p>`;
}
