// 5: the voice as one file first, then everything that is there, then the log.

import { filePath, save, taskPath } from "../api/http.js";
import { Action } from "../parts/action.js";
import { html, useEffect, useMemo, useRef, useState } from "../parts/html.js";
import { service } from "../state/service.js";
import { useStore } from "../state/store.js";
import { open } from "../state/task.js";
import { bytes, t } from "../words/words.js";

const KINDS = ["output", "weights", "input", "transcript", "slice", "denoised", "converted", "feature", "checkpoint", "manifest", "config", "log", "other"];
const MOST_ROWS = 200;

export function Files() {
  const { id, task, files, steps } = useStore(open);
  const { capabilities } = useStore(service);
  const spoken = steps.find((/** @type {any} */ step) => step.step === "test_inference" && step.state === "completed");
  const groups = useMemo(() => KINDS.map((kind) => [kind, files.filter((/** @type {any} */ file) => file.kind === kind)]).filter(([, rows]) => rows.length), [files]);
  const dashboard = capabilities?.cluster?.dashboard;
  return html`<div class="panel"><div class="row"><${Action} id="download-voice" kind="primary" label=${t("downloadVoice")} disabled=${!spoken} why=${t("whyNotSpoken")} run=${() => save(taskPath(id, "/voice"), `${task.config.exp_name}-voice.zip`)} />
      <span class="dim small">${t("voiceWords")}</span></div></div>
    <div class="panel"><h2>${t("files")}</h2>${groups.map(([kind, rows]) => html`<${Group} key=${kind} id=${id} kind=${kind} rows=${rows} />`)}</div>
    <${Log} />
    ${dashboard ? html`<div class="panel small"><h2>${t("dashboard")}</h2><p><a id="dashboard" href=${dashboard} target="_blank" rel="noreferrer">${dashboard}</a></p><p class="dim">${t("dashboardWords")} <code>ray get-auth-token</code></p></div>` : null}
    <p class="dim small">ID <code>${id}</code></p>`;
}

function Group({ id, kind, rows }) {
  const [most, more] = useState(MOST_ROWS);
  const size = rows.reduce((/** @type {number} */ sum, /** @type {any} */ file) => sum + file.size, 0);
  return html`<details open=${kind === "output" || kind === "weights" ? true : undefined}><summary>${t(`kind.${kind}`)} <span class="dim">${rows.length} · ${bytes(size)}</span></summary>
    <ul class="files">${rows.slice(0, most).map((/** @type {any} */ file) => html`<li key=${file.name}><${Action} kind="link" label=${file.name} run=${() => save(filePath(id, file.name), file.name.split("/").pop())} /> <span class="dim">${bytes(file.size)}</span></li>`)}</ul>
    ${rows.length > most ? html`<button type="button" onClick=${() => more(most + 1000)}>${t("more", { n: rows.length - most })}</button>` : null}</details>`;
}

function Log() {
  const log = useStore(open, (value) => value.log);
  const [wanted, want] = useState("");
  const box = useRef(/** @type {any} */ (null));
  const lines = log.split("\n");
  const shown = wanted ? lines.filter((/** @type {string} */ line) => line.toLowerCase().includes(wanted.toLowerCase())) : lines;
  useEffect(() => { if (box.current) box.current.scrollTop = box.current.scrollHeight; }, [log, wanted]);
  return html`<div class="panel"><div class="row"><h2>${t("log")}</h2><span class="grow"></span><label class="inline"><span class="unseen">${t("search")}</span><input type="search" placeholder=${t("search")} value=${wanted} onInput=${(/** @type {any} */ event) => want(event.target.value)} /></label></div>
    <pre ref=${box} id="log" tabindex="0" role="region" aria-label=${t("log")} lang="en">${shown.join("\n")}</pre></div>`;
}
