// One clip: closed a line of text, open its sound and an editor. Enter saves and goes on.

import { clipPath } from "../api/http.js";
import { html, useEffect, useRef } from "../parts/html.js";
import { Play } from "../parts/play.js";
import { Wave } from "../parts/wave.js";
import { placeOf } from "../state/cuts.js";
import { decide, draft, edits, oneLine, save } from "../state/edits.js";
import { useStore } from "../state/store.js";
import { inWords, stepName, t } from "../words/words.js";
import { Cutting } from "./cutting.js";

const LANGUAGES = ["en", "zh", "ja", "ko", "yue"];

/** @param {any} props */
export function ReviewRow({ task, row, clip, words, selected, editing, controls, onSelect, onNext, onLeave, onCut }) {
  const item = useRef(/** @type {any} */ (null));
  useEffect(() => {
    if (!selected) return;
    item.current?.scrollIntoView({ block: "nearest" });
    if (!editing) item.current?.focus();
  }, [selected, editing]);
  const typed = useStore(edits, (value) => value.drafts[row.clip]);
  const verdict = clip?.verdict ?? "unknown";
  const seconds = clip?.seconds ?? (row.timing ? row.timing.end - row.timing.start : null);
  return html`<li ref=${item} class=${`clip ${selected ? "selected" : ""} ${row.include ? "" : "excluded"}`} tabindex=${selected ? 0 : -1} data-clip=${row.clip}
      aria-current=${selected ? "true" : undefined} onClick=${(/** @type {any} */ event) => selected || event.target.closest("button, input, label, select, textarea") || onSelect(true)}>
    <span class=${`mark verdict-${verdict}`} role="img" aria-label=${t(`verdict.${verdict}`)} title=${t(`verdict.${verdict}`)}></span>
    ${selected || !row.timing ? null : html`<${Play} path=${clipPath(task, row.clip, "/audio")} label=${row.clip} />`}
    <div class="said-here">
      ${selected ? html`<${Editor} task=${task} row=${row} typed=${typed} editing=${editing} controls=${controls} onNext=${onNext} onLeave=${onLeave} onCut=${onCut} />`
        : html`<button type="button" class="text" lang=${row.language} onClick=${() => onSelect(true)}>${typed ?? row.text ?? ""}${typed !== undefined ? html` <em>(${t("unsaved")})</em>` : null}</button>`}
      <${Findings} clip=${clip} words=${words} open=${selected} />
      <${Trouble} row=${row} typed=${typed} />
    </div>
    <div class="facts">
      <label class="inline"><input type="checkbox" checked=${row.include} aria-label=${`${t("use")}: ${row.clip}`} onChange=${(/** @type {any} */ event) => save(row.clip, { include: event.target.checked })} /> ${t("use")}</label>
      <span class="dim">${seconds === null ? "" : `${seconds.toFixed(1)} s`} ${selected ? "" : row.language}</span>
      <span class="dim">${row.source === "user" ? t("byYou") : `${row.source}${row.confidence === null ? "" : ` ${Math.round(100 * row.confidence)} %`}`}</span>
    </div></li>`;
}

function Editor({ task, row, typed, editing, controls, onNext, onLeave, onCut }) {
  const input = useRef(/** @type {any} */ (null));
  const sound = useRef(/** @type {any} */ (null));
  useEffect(() => { if (editing) input.current?.focus(); }, [editing]);
  const keep = (/** @type {any} */ event) => {
    const text = oneLine(event.target.value);
    if (text !== row.text) save(row.clip, { text });
    else if (typed !== undefined) draft(row.clip, null);
  };
  const keys = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing) return;
    if (event.key === "Enter") { event.preventDefault(); event.stopPropagation(); keep(event); onNext(); }
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); input.current?.blur(); onLeave(); } // at once: the next key is a command
  };
  return html`${row.timing || !placeOf(row.clip) ? html`<${Wave} key=${row.clip} task=${task} clip=${row.clip} onReady=${(/** @type {any} */ made) => { sound.current = made; if (controls) controls.current = made; }} />`
      : html`<p class="dim">${t("cut.notYet")}</p>`}
    <${Cutting} key=${`cut ${row.clip}`} clip=${row.clip} time=${() => sound.current?.time() ?? 0} caret=${() => input.current?.selectionStart ?? 0} onCut=${onCut} />
    <textarea ref=${input} rows="2" lang=${row.language} maxlength="2000" aria-label=${`${t("text")}: ${row.clip}`} value=${typed ?? row.text}
      onInput=${(/** @type {any} */ event) => draft(row.clip, event.target.value === row.text ? null : event.target.value)} onBlur=${keep} onKeyDown=${keys}></textarea>
    <div class="row small"><label class="inline">${t("language")} <select value=${row.language} onChange=${(/** @type {any} */ event) => save(row.clip, { language: event.target.value })}>
        ${LANGUAGES.map((code) => html`<option value=${code}>${t(`language.${code}`)}</option>`)}</select></label>
      <code class="dim">${row.clip}</code></div>`;
}

function Findings({ clip, words, open }) {
  if (!clip || !words || !(clip.findings.length || clip.left_out.length)) return null;
  const said = [
    ...clip.left_out.map((/** @type {any} */ item) => `${t("leftOut")} (${stepName(item.step)}): ${words.leftOut(item)}`),
    ...clip.findings.map(words.finding),
  ];
  return open ? html`<ul class="findings">${said.map((sentence) => html`<li>${sentence}</li>`)}</ul>` : html`<p class="findings dim">${said.join(" ")}</p>`;
}

function Trouble({ row, typed }) {
  const error = useStore(edits, (value) => value.errors[row.clip]);
  const theirs = useStore(edits, (value) => value.theirs[row.clip]);
  if (!error) return null;
  if (theirs !== undefined && typed !== undefined) {
    return html`<p role="alert" class="said bad">${t("changedMeanwhile")} <q>${theirs}</q>
      <button type="button" onClick=${() => { decide(row.clip); save(row.clip, { text: oneLine(typed) }); }}>${t("useMine")}</button>
      <button type="button" onClick=${() => { draft(row.clip, null); decide(row.clip); }}>${t("useTheirs")}</button></p>`;
  }
  return html`<p role="alert" class="said bad">${inWords(error)} ${error.code === "task_busy" ? t("savedWhenIdle") : ""} ${typed !== undefined ? t("draftKept") : ""}</p>`;
}
