// A new voice, from recordings.

import { Action } from "../parts/action.js";
import { Dialog } from "../parts/dialog.js";
import { Fields } from "../parts/field.js";
import { html, useState } from "../parts/html.js";
import { go, voiceLink } from "../state/route.js";
import { createTask, service } from "../state/service.js";
import { useStore } from "../state/store.js";
import { Sentence } from "../words/said.js";
import { language, t } from "../words/words.js";

const SPOKEN = ["en", "zh", "ja", "ko", "yue", "auto"];
const SHOWN_ABOVE = ["language", "base_model", "exp_name"];

export function Create({ onClose }) {
  const { options, capabilities } = useStore(service);
  const [name, setName] = useState("");
  const [spoken, setSpoken] = useState(language());
  const [base, setBase] = useState("auto");
  const [more, setMore] = useState(/** @type {Record<string, any>} */ ({}));
  const [told, tell] = useState(/** @type {any} */ (null));
  const config = () => ({ language: spoken, base_model: base, exp_name: fileName(name), ...more });
  const submit = async () => {
    if (!name.trim()) throw new Error(t("nameMissing"));
    const task = await createTask(name.trim(), config());
    // Which base it will be is said before anybody works for it, where it is not what was asked for.
    if (base === "auto" && task.base_model && ["mini", "nano"].includes(task.base_model.name) || task.warnings.length) return tell(task);
    onClose();
    go(voiceLink(task.task_id, "recordings"));
  };
  if (told) return html`<${Told} task=${told} onClose=${onClose} />`;
  return html`<${Dialog} title=${t("newVoice")} onClose=${onClose}>
    <form id="create-form" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <label>${t("name")}<input name="task_name" required maxlength="200" autofocus value=${name} placeholder=${t("nameExample")} onInput=${(/** @type {any} */ event) => setName(event.target.value)} /></label>
      <label>${t("spokenLanguage")}<select name="language" value=${spoken} onChange=${(/** @type {any} */ event) => setSpoken(event.target.value)}>
        ${SPOKEN.map((code) => html`<option value=${code}>${t(`language.${code}`)}</option>`)}</select></label>
      <label>${t("baseModel")}<select name="base_model" value=${base} onChange=${(/** @type {any} */ event) => setBase(event.target.value)}>
        <option value="auto">${t("baseAuto")}</option>
        ${(capabilities?.base_models ?? []).map((/** @type {any} */ row) => html`<option value=${row.name} disabled=${!row.present}>${row.name}${row.present ? "" : ` (${t("notThere")})`}</option>`)}
      </select><small>${t("baseWords")}</small></label>
      <details><summary>${t("advanced")}</summary>
        <${Fields} rows=${options?.task ?? []} step="config" values=${more} hide=${SHOWN_ABOVE.slice(0, 2)} onChange=${setMore} /></details>
      <div class="row"><${Action} id="create" kind="primary" label=${t("create")} run=${submit} /></div>
    </form></${Dialog}>`;
}

function Told({ task, onClose }) {
  const base = task.base_model;
  const next = () => { onClose(); go(voiceLink(task.task_id, "recordings")); };
  return html`<${Dialog} title=${t("beforeYouBegin")} onClose=${next}>
    ${base ? html`<p id="told-base"><strong>${t("baseTold", { name: base.name })}</strong> ${t(`base.${base.name}`)}</p>` : null}
    ${task.warnings.map((/** @type {string} */ warning) => html`<p>⚠ <${Sentence} said=${warning} /></p>`)}
    <div class="row"><button type="button" id="told-on" class="primary" autofocus onClick=${next}>${t("goOn")}</button></div></${Dialog}>`;
}

/** What folders and files can be called after the voice. @param {string} name */
function fileName(name) {
  const plain = name.normalize("NFC").trim().replace(/\s*[^\p{L}\p{N}_ .+-]+\s*/gu, "_").slice(0, 40).replace(/[ .]+$/, "");
  return /^[\p{L}\p{N}_]/u.test(plain) ? plain : `voice_${plain || "1"}`;
}
