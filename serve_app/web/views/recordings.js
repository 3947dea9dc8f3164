// 1: recordings come in by dropping, choosing or recording; steps 1 to 4 make clips with texts of them.

import { call, filePath, taskPath } from "../api/http.js";
import { Action } from "../parts/action.js";
import { Fields } from "../parts/field.js";
import { html, useEffect, useMemo, useRef, useState } from "../parts/html.js";
import { Play } from "../parts/play.js";
import { Recorder } from "../parts/recorder.js";
import { go, voiceLink } from "../state/route.js";
import { isBusy, service } from "../state/service.js";
import { measureStored, remembered } from "../state/measured.js";
import { useStore } from "../state/store.js";
import { mayTell } from "../state/title.js";
import { open, refresh, run } from "../state/task.js";
import { add, forget, uploads } from "../state/uploads.js";
import { Sentence, inOwnWords } from "../words/said.js";
import { bytes, duration, stepName, t } from "../words/words.js";

const PREPARING = ["convert_audio", "slice_audio", "denoise_audio", "asr_transcribe"];
const ENOUGH = 60, GOOD = 180, PLENTY = 600; // seconds
const LOUD = -0.2, QUIET = -40; // dB of full scale
const ACCEPTED = "audio/*,video/*,.txt,.list,.dict";

export function Recordings() {
  const { id, files, task } = useStore(open);
  const [, draw] = useState(0);
  const inputs = useMemo(() => files.filter((/** @type {any} */ file) => file.kind === "input"), [files]);
  const sounds = inputs.filter((/** @type {any} */ file) => !/\.(txt|list|dict)$/i.test(file.name));
  useEffect(() => {
    const stop = new AbortController();
    measureStored(id, sounds, () => draw((count) => count + 1), stop.signal);
    return () => stop.abort();
  }, [inputs]);
  const busy = isBusy(task);
  return html`<${Drop} id=${id} />
    <${Queue} id=${id} />
    ${inputs.length ? html`<table class="recordings"><thead><tr><th scope="col">${t("recording")}</th><th scope="col">${t("length")}</th><th scope="col">${t("level")}</th><th scope="col"><span class="unseen">${t("remove")}</span></th></tr></thead>
      <tbody>${inputs.map((/** @type {any} */ file) => html`<${Row} key=${file.name} id=${id} file=${file} busy=${busy} />`)}</tbody></table>` : null}
    <${Total} sounds=${sounds} />
    <${Prepare} id=${id} task=${task} any=${sounds.length > 0} />`;
}

function Drop({ id }) {
  const [over, setOver] = useState(false);
  const input = useRef(/** @type {any} */ (null));
  const drop = (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    setOver(event.type === "dragover");
    if (event.type === "drop" && event.dataTransfer) add(id, [...event.dataTransfer.files]);
  };
  return html`<div id="drop" class=${over ? "drop over" : "drop"} onDragOver=${drop} onDragLeave=${drop} onDrop=${drop}>
    <p>${t("dropHere")}</p>
    <div class="row centre"><button type="button" class="primary" onClick=${() => input.current.click()}>${t("chooseFiles")}</button>
      <${Recorder} onFile=${(/** @type {File} */ file) => add(id, [file])} /></div>
    <input ref=${input} id="upload" type="file" multiple accept=${ACCEPTED} class="unseen" tabindex="-1" aria-label=${t("chooseFiles")}
      onChange=${(/** @type {any} */ event) => { add(id, [...event.target.files]); event.target.value = ""; }} />
    <p class="dim small">${t("dropWords")}</p></div>`;
}

function Queue({ id }) {
  const { queue } = useStore(uploads);
  const mine = queue.filter((/** @type {any} */ row) => row.task === id);
  if (!mine.length) return null;
  return html`<ul class="queue" aria-label=${t("uploading")}>${mine.map((/** @type {any} */ row) => html`<li key=${row.id} class=${row.state}>
    <span>${row.file.name}</span> ${row.state === "refused" ? null : html`<progress max="1" value=${row.share} aria-label=${row.file.name} />`}
    ${row.said ? html`<span role=${row.state === "refused" ? "alert" : "status"} class=${row.state === "refused" ? "said bad" : "said"}>${row.said}</span>` : null}
    ${row.state === "refused" ? html`<button type="button" class="plain" aria-label=${`${t("close")}: ${row.file.name}`} onClick=${() => forget(row.id)}>×</button>` : null}</li>`)}</ul>`;
}

function Row({ id, file, busy }) {
  const name = file.name.split("/").pop();
  const found = remembered(file.sha256);
  const isText = /\.(txt|list|dict)$/i.test(name);
  const level = !found?.seconds ? null : found.peak >= LOUD ? "loud" : found.rms < QUIET ? "quiet" : "fine";
  return html`<tr><td>${isText ? null : html`<${Play} path=${filePath(id, file.name)} label=${name} />`} ${name} <small class="dim">${bytes(file.size)}</small></td>
    <td>${isText ? t("textFile") : found?.seconds ? duration(found.seconds) : ""}</td>
    <td>${level ? html`<span class=${`level ${level}`} title=${`${t("peak")} ${found.peak} dB, RMS ${found.rms} dB`}>${t(`level.${level}`)}</span>` : null}</td>
    <td class="end"><${Action} kind="plain" label="✕" ariaLabel=${`${t("remove")}: ${name}`} disabled=${busy} run=${async () => {
      await call("DELETE", taskPath(id, `/files/${file.name.split("/").map(encodeURIComponent).join("/")}`));
      refresh(["files", "task"]);
    }} /></td></tr>`;
}

function Total({ sounds }) {
  const known = sounds.map((/** @type {any} */ file) => remembered(file.sha256)?.seconds).filter(Boolean);
  const total = known.reduce((/** @type {number} */ sum, /** @type {number} */ seconds) => sum + seconds, 0);
  const verdict = total < ENOUGH ? "little" : total < GOOD ? "works" : "good";
  return html`<div id="total" class="total"><meter min="0" max=${PLENTY} low=${ENOUGH} high=${GOOD} optimum=${PLENTY} value=${total} aria-label=${t("total")} />
    <p><strong>${duration(total)}</strong> ${t(`enough.${verdict}`)} ${known.length < sounds.length ? html`<span class="dim">${t("notMeasured", { n: sounds.length - known.length })}</span>` : null}</p></div>`;
}

function Prepare({ id, task, any }) {
  const { options } = useStore(service);
  const steps = useStore(open, (value) => value.steps);
  const key = `consent:${id}`;
  const [consent, agree] = useState(localStorage.getItem(key) === "yes");
  const [params, setParams] = useState(/** @type {Record<string, any>} */ ({}));
  const busy = isBusy(task);
  const done = PREPARING.every((name) => steps.find((/** @type {any} */ step) => step.step === name && ["completed", "skipped"].includes(step.state) && !step.stale));
  const uploading = useStore(uploads, (value) => value.queue.some((/** @type {any} */ row) => row.task === id && row.state !== "refused"));
  const start = async () => {
    mayTell();
    const changed = Object.fromEntries(Object.entries(params).filter(([, values]) => Object.keys(values).length));
    const answer = await run({ to: "asr_transcribe", params: changed });
    if (!answer.steps.length) go(voiceLink(id, "review"));
    return await inOwnWords(answer.warnings) || (answer.steps.length ? t("prepareStarted") : "");
  };
  const why = uploading ? t("whyUploading") : !any ? t("whyNoRecording") : !consent ? t("whyConsent") : busy ? t("whyBusy") : "";
  return html`<div class="panel">
    <label class="inline consent"><input type="checkbox" id="consent" checked=${consent} onChange=${(/** @type {any} */ event) => {
      localStorage.setItem(key, event.target.checked ? "yes" : "no");
      agree(event.target.checked);
    }} /> ${t("consent")}</label>
    <details><summary>${t("advanced")}</summary>${PREPARING.map((step) => html`<fieldset><legend>${stepName(step)}</legend>
      ${step === "denoise_audio" ? html`<label class="inline"><input type="checkbox" checked=${params[step]?.enabled !== false} onChange=${(/** @type {any} */ event) => setParams({ ...params, [step]: event.target.checked ? {} : { enabled: false } })} /> ${t("denoise")}</label>` : null}
      <${Fields} rows=${options?.steps[step] ?? []} step=${step} values=${params[step] ?? {}} onChange=${(/** @type {any} */ values) => setParams({ ...params, [step]: values })} /></fieldset>`)}</details>
    <div class="row"><${Action} id="prepare" kind="primary" label=${t("prepare")} run=${start} disabled=${Boolean(why)} why=${why} />
      ${done ? html`<a class="button" id="to-review" href=${voiceLink(id, "review")}>${t("toReview")} →</a>` : null}</div>
    <p class="dim small">${t("prepareWords")}</p>
    ${busy || steps.some((/** @type {any} */ step) => PREPARING.includes(step.step) && step.warnings?.length) ? html`<${Remarks} steps=${steps} />` : null}</div>`;
}

function Remarks({ steps }) {
  const rows = steps.filter((/** @type {any} */ step) => PREPARING.includes(step.step) && step.warnings?.length);
  if (!rows.length) return null;
  return html`<details class="remarks"><summary>⚠ ${t("remarks", { n: rows.reduce((/** @type {number} */ sum, /** @type {any} */ step) => sum + step.warnings.length, 0) })}</summary>
    <ul>${rows.flatMap((/** @type {any} */ step) => step.warnings.map((/** @type {string} */ said) => html`<li><strong>${stepName(step.step)}</strong> <${Sentence} said=${said} /></li>`))}</ul></details>`;
}
