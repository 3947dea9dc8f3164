// Three stages with the eleven steps folded below: what each does now, how long it took, what it said.

import { call, taskPath } from "../api/http.js";
import { Action } from "../parts/action.js";
import { html, useEffect, useState } from "../parts/html.js";
import { connection } from "../state/connection.js";
import { isBusy } from "../state/service.js";
import { useStore } from "../state/store.js";
import { open, refresh } from "../state/task.js";
import { Sentence, inOwnWords } from "../words/said.js";
import { duration, inWords, stepName, t } from "../words/words.js";

/** @type {Record<string, string[]>} */
const STAGES = {
  prepare: ["convert_audio", "slice_audio", "denoise_audio", "asr_transcribe"],
  features: ["extract_text_features", "extract_audio_features", "extract_speaker_vectors", "extract_semantic_features"],
  learn: ["train_sovits", "train_gpt", "test_inference"],
};
/** @type {Record<string, string>} */
const MARKS = { queued: "…", running: "▶", completed: "✓", failed: "✗", cancelled: "■", skipped: "↷", interrupted: "⟳", paused: "⏸" };
const MOST_WARNINGS = 5; // the log has them all

export function Stages() {
  const { steps, task, live } = useStore(open);
  const by = new Map(steps.map((/** @type {any} */ step) => [step.step, step]));
  const busy = isBusy(task);
  return html`<div id="stages" class="stages">${Object.entries(STAGES).map(([stage, names]) => {
    const rows = names.map((name) => by.get(name)).filter(Boolean);
    const state = stateOf(rows);
    return html`<details key=${stage} class=${`stage ${state}`} open=${state === "running" || state === "failed" ? true : undefined}>
      <summary><span class=${`sign ${state}`} aria-hidden="true">${MARKS[state] ?? "·"}</span> <strong>${t(`stage.${stage}`)}</strong>${" "}
        <span class="dim">${t(`stage.${state}`)}</span>
        <progress max="1" value=${rows.reduce((/** @type {number} */ sum, /** @type {any} */ row) => sum + share(row, live), 0) / rows.length} aria-label=${t(`stage.${stage}`)} /></summary>
      <ol class="steps">${rows.map((/** @type {any} */ row) => html`<${Step} key=${row.step} row=${row} live=${live[row.step]} busy=${busy} />`)}</ol></details>`;
  })}</div>`;
}

/** @param {any[]} rows */
function stateOf(rows) {
  for (const state of ["failed", "running", "paused", "queued", "interrupted", "cancelled"]) if (rows.some((row) => row.state === state)) return state;
  if (rows.some((row) => row.stale)) return "stale";
  const over = rows.filter((row) => ["completed", "skipped"].includes(row.state));
  return over.length === rows.length ? "completed" : "open";
}

/** @param {any} row @param {any} live */
function share(row, live) {
  if (["completed", "skipped"].includes(row.state)) return 1;
  return ["running", "paused"].includes(row.state) ? live[row.step]?.fraction ?? row.progress : 0;
}

function Step({ row, live, busy }) {
  const running = row.state === "running";
  const message = running || row.state === "queued" ? live?.message || row.message : "";
  const run = async () => {
    const answer = await call("POST", taskPath(open.value.id, `/step/${row.step}`), { params: {} });
    refresh(["task"]);
    return inOwnWords(answer.warnings);
  };
  return html`<li class=${row.state ?? ""}><span class=${`sign ${row.state ?? ""}`} title=${row.state ? t(`state.${row.state}`) : ""}>${MARKS[row.state] ?? "·"}</span>
    <span>${stepName(row.step)}</span><progress max="1" value=${share(row, { [row.step]: live })} aria-label=${`${stepName(row.step)}: ${row.state ? t(`state.${row.state}`) : "–"}`} />
    <${Clock} row=${row} />
    <${Action} label=${t(row.state === "completed" ? "again" : "run")} ariaLabel=${`${t(row.state === "completed" ? "again" : "run")}: ${stepName(row.step)}`} disabled=${busy} run=${run} />
    ${row.stale ? html`<p class="note">${t("stale")}</p>` : null}
    ${message ? html`<p class="note"><${Sentence} said=${message} /></p>` : null}
    ${row.state === "failed" && row.error ? html`<p class="note error">${inWords({ ...row.error, status: 422, facts: row.error })}</p>` : null}
    ${running ? null : html`<${Warnings} rows=${row.warnings} />`}</li>`;
}

function Warnings({ rows }) {
  if (!rows.length) return null;
  return html`<ul class="note">${rows.slice(0, MOST_WARNINGS).map((/** @type {string} */ said) => html`<li>⚠ <${Sentence} said=${said} /></li>`)}
    ${rows.length > MOST_WARNINGS ? html`<li>… +${rows.length - MOST_WARNINGS}</li>` : null}</ul>`;
}

// Counts on only while the service is there to count for.
function Clock({ row }) {
  const gone = useStore(connection, (value) => value.state !== "ok");
  const [, tick] = useState(0);
  useEffect(() => {
    if (row.state !== "running" || gone) return undefined;
    const timer = setInterval(() => tick((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, [row.state, gone]);
  if (!row.started_at) return html`<span class="time"></span>`;
  if (gone && !row.finished_at) return html`<span class="time">${t("state.unknown")}</span>`;
  const end = row.finished_at ? Date.parse(row.finished_at) : Date.now();
  return html`<span class="time">${duration(Math.max(0, (end - Date.parse(row.started_at)) / 1000))}</span>`;
}
