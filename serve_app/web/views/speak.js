// 4: write, listen, compare. What was spoken is kept with its text, weights and seed.

import { taskPath } from "../api/http.js";
import { Action } from "../parts/action.js";
import { html, useState } from "../parts/html.js";
import { Play } from "../parts/play.js";
import { voiceLink } from "../state/route.js";
import { isBusy } from "../state/service.js";
import { useStore } from "../state/store.js";
import { open, run } from "../state/task.js";
import { inOwnWords } from "../words/said.js";
import { t } from "../words/words.js";
import { CopyAs } from "./copy_as.js";
import { History } from "./history.js";
import { Live } from "./live.js";

const MODES = ["", "en", "zh", "ja", "ko", "yue", "auto", "auto_yue"];
const REFERENCE = [3, 10]; // seconds

export function Speak() {
  const { id, task, steps, files, transcripts } = useStore(open);
  const key = `speak:${id}`;
  const [wish, setWish] = useState(() => stored(key));
  const put = (/** @type {Record<string, any>} */ change) => {
    const next = { ...wish, ...change };
    localStorage.setItem(key, JSON.stringify(next));
    setWish(next);
  };
  const trained = (/** @type {string} */ folder) => files.filter((/** @type {any} */ file) => file.kind === "weights" && new RegExp(`(^|/)${folder}`).test(file.name)).map((/** @type {any} */ file) => file.name).reverse();
  const ready = ["train_sovits", "train_gpt"].every((name) => steps.find((/** @type {any} */ step) => step.step === name && step.state === "completed"));
  const busy = isBusy(task);
  const params = Object.fromEntries(Object.entries({
    target_text: wish.text?.trim(), target_language: wish.language, gpt_model: wish.gpt, sovits_model: wish.sovits,
    ref_audio: wish.reference, seed: wish.seed === "" || wish.seed === undefined ? undefined : Number(wish.seed), speed: wish.speed === 1 ? undefined : wish.speed,
  }).filter(([, value]) => value !== undefined && value !== ""));
  const speak = async () => {
    const answer = await run({ from: "test_inference", params: { test_inference: params } });
    return inOwnWords(answer.warnings);
  };
  const references = transcripts.filter((/** @type {any} */ row) => row.include && row.timing && row.timing.end - row.timing.start >= REFERENCE[0] && row.timing.end - row.timing.start <= REFERENCE[1]);
  const why = !ready ? t("whyNotTrained") : busy ? t("whyBusy") : !wish.text?.trim() ? t("whyNoText") : "";
  const keys = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); document.getElementById("speak")?.click(); }
  };
  return html`<div class="panel">
    <label for="speak-text">${t("textToSpeak")}</label>
    <textarea id="speak-text" rows="4" maxlength="5000" value=${wish.text ?? ""} placeholder=${t("speakExample")} onInput=${(/** @type {any} */ event) => put({ text: event.target.value })} onKeyDown=${keys}></textarea>
    <div class="fields">
      <label>${t("language")}<select value=${wish.language ?? ""} onChange=${(/** @type {any} */ event) => put({ language: event.target.value })}>${MODES.map((mode) => html`<option value=${mode}>${mode ? t(`language.${mode}`) : t("asTheVoice")}</option>`)}</select></label>
      <label>${t("reference")}<span class="row tight"><select value=${wish.reference ?? ""} onChange=${(/** @type {any} */ event) => put({ reference: event.target.value })}><option value="">${t("referenceBest")}</option>
        ${references.slice(0, 200).map((/** @type {any} */ row) => html`<option value=${row.clip}>${row.text.slice(0, 60)}</option>`)}</select>
        ${wish.reference ? html`<${Play} path=${taskPath(id, `/clips/${encodeURIComponent(wish.reference)}/audio`)} label=${wish.reference} />` : null}</span></label>
      <label>${t("seed")}<input inputmode="numeric" pattern="-?[0-9]*" value=${wish.seed ?? ""} placeholder=${String(task.config.seed)} onChange=${(/** @type {any} */ event) => put({ seed: event.target.value.trim() })} /><small>${t("seedWords")}</small></label>
      <label>${t("speed")} <output>${(wish.speed ?? 1).toFixed(2)}×</output><input type="range" min="0.5" max="2" step="0.05" value=${wish.speed ?? 1} onInput=${(/** @type {any} */ event) => put({ speed: Number(event.target.value) })} /></label>
    </div>
    <details open=${wish.sovits || wish.gpt ? true : undefined}><summary>${t("versions")}</summary><div class="fields">
      <label>SoVITS<select value=${wish.sovits ?? ""} onChange=${(/** @type {any} */ event) => put({ sovits: event.target.value })}><option value="">${t("newest")}</option>${trained("SoVITS").map((/** @type {string} */ name) => html`<option value=${name}>${name.split("/").pop()}</option>`)}</select></label>
      <label>GPT<select value=${wish.gpt ?? ""} onChange=${(/** @type {any} */ event) => put({ gpt: event.target.value })}><option value="">${t("newest")}</option>${trained("GPT").map((/** @type {string} */ name) => html`<option value=${name}>${name.split("/").pop()}</option>`)}</select></label></div></details>
    <div class="row"><${Action} id="speak" kind="primary" label=${t("speak")} run=${speak} disabled=${Boolean(why)} why=${why} title="Ctrl+Enter" />
      ${ready ? null : html`<a class="button" href=${voiceLink(id, "train")}>${t("section.train")} →</a>`}<span class="grow"></span><${CopyAs} id=${id} params=${params} /></div></div>
    <${Live} id=${id} name=${task.task_name} ready=${ready} wish=${wish} />
    <${History} id=${id} files=${files} onReuse=${put} />`;
}

/** @param {string} key @returns {Record<string, any>} */
function stored(key) {
  try { return JSON.parse(localStorage.getItem(key) ?? "{}"); } catch { return {}; }
}
