// A voice from files: trained with GPT-SoVITS elsewhere, packed by another service, or imitated from
// a recording alone; or the next version of a voice that is there.

import { Action } from "../parts/action.js";
import { Dialog } from "../parts/dialog.js";
import { html, useRef, useState } from "../parts/html.js";
import { service } from "../state/service.js";
import { useStore } from "../state/store.js";
import { keepFiles, kindOf, whatTheyAre } from "../state/voices.js";
import { bytes, language, t } from "../words/words.js";

const LANGUAGES = ["en", "zh", "ja", "ko", "yue"];
const CLONES = ["v2ProPlus", "v2Pro", "v2", "v1"];
const ACCEPTED = ".zip,.ckpt,.pth,.safetensors,audio/*";

/** @param {{voice?: string, onClose: () => void, onKept: (name: string) => void}} props `voice`: what it is a version of */
export function Import({ voice = "", onClose, onKept }) {
  const { capabilities } = useStore(service);
  const [files, setFiles] = useState(/** @type {File[]} */ ([]));
  const [name, setName] = useState("");
  const [base, setBase] = useState("");
  const [about, tell] = useState({ owner: "", consent: "", note: "", agreed: false, promote: true });
  const [said, say] = useState(/** @type {Record<string, any>} */ ({}));
  const [share, progress] = useState(0);
  const input = useRef(/** @type {any} */ (null));
  const { kind, lacks } = whatTheyAre(files.map((file) => file.name), Boolean(voice));
  const recordings = files.filter((file) => kindOf(file.name) === "recording");
  const there = CLONES.filter((code) => capabilities?.base_models.some((/** @type {any} */ row) => row.name === code && row.present));
  const take = (/** @type {File[]} */ more) => {
    const names = more.map((file) => file.name);
    setFiles([...files.filter((file) => !names.includes(file.name)), ...more]);
    if (!name && !voice) setName(plain(more[0]?.name ?? ""));
  };
  const keep = async () => {
    const references = recordings.map((file, index) => ({ file: file.name, mood: moodOf(file, index), text: said[file.name]?.text ?? "", ...(said[file.name]?.language ? { language: said[file.name].language } : {}) }));
    const answer = await keepFiles(files, {
      note: about.note, ...(references.length ? { references } : {}),
      ...(kind === "clone" ? { base_model: base || there[0] || CLONES[0] } : {}),
      ...(voice ? { promote: about.promote ? "true" : "false" } : { name, owner: about.owner, consent: about.consent || t("import.agreed") }),
    }, voice, progress);
    onKept(answer.name ?? voice);
  };
  const moodOf = (/** @type {File} */ file, /** @type {number} */ index) => said[file.name]?.mood || (index === 0 && kind !== "moods" ? "default" : plain(file.name));
  const why = lacks ? t(lacks) : !voice && !name && kind !== "archive" ? t("nameMissing") : !voice && !about.agreed ? t("whyConsent") : "";
  const edit = (/** @type {File} */ file, /** @type {Record<string, any>} */ change) => say({ ...said, [file.name]: { ...said[file.name], ...change } });
  return html`<${Dialog} title=${voice ? t("addVersion", { name: voice }) : t("importVoice")} onClose=${onClose} wide>
    <p class="dim small">${t(voice ? "import.versionWords" : "import.words")}</p>
    <div class="drop" onDragOver=${(/** @type {DragEvent} */ event) => event.preventDefault()} onDrop=${(/** @type {DragEvent} */ event) => { event.preventDefault(); take([...(event.dataTransfer?.files ?? [])]); }}>
      <button type="button" onClick=${() => input.current.click()}>${t("chooseFiles")}</button>
      <input ref=${input} id="import-files" type="file" multiple accept=${ACCEPTED} class="unseen" tabindex="-1" aria-label=${t("chooseFiles")} onChange=${(/** @type {any} */ event) => { take([...event.target.files]); event.target.value = ""; }} /></div>
    <ul class="plainlist" aria-label=${t("files")}>${files.map((file, index) => html`<li key=${file.name}><div class="row"><strong>${file.name}</strong> <span class="dim small">${t(`import.is.${kindOf(file.name)}`)} · ${bytes(file.size)}</span><span class="grow"></span>
        <button type="button" class="plain" aria-label=${`${t("remove")}: ${file.name}`} onClick=${() => setFiles(files.filter((each) => each !== file))}>×</button></div>
      ${kindOf(file.name) === "recording" ? html`<div class="fields">
        <label>${t("import.text")}<input name="reference_text" maxlength="1000" value=${said[file.name]?.text ?? ""} onInput=${(/** @type {any} */ event) => edit(file, { text: event.target.value })} /></label>
        <label>${t("language")}<select value=${said[file.name]?.language ?? ""} onChange=${(/** @type {any} */ event) => edit(file, { language: event.target.value })}><option value="">${t("import.guessed")}</option>${LANGUAGES.map((code) => html`<option value=${code}>${t(`language.${code}`)}</option>`)}</select></label>
        <label>${t("mood")}<input maxlength="60" value=${said[file.name]?.mood ?? ""} placeholder=${moodOf(file, recordings.indexOf(file))} onInput=${(/** @type {any} */ event) => edit(file, { mood: event.target.value })} /></label></div>` : null}</li>`)}</ul>
    ${kind ? html`<p id="import-kind" role="status"><strong>${t(`import.kind.${kind}`)}</strong></p>` : null}
    ${kind === "clone" ? html`<label>${t("baseModel")}<select value=${base || there[0] || CLONES[0]} onChange=${(/** @type {any} */ event) => setBase(event.target.value)}>
      ${CLONES.map((code) => html`<option value=${code}>${code}${there.includes(code) ? "" : ` (${t("notThere")})`}</option>`)}</select>${there.length ? null : html`<small>${t("import.noBase")}</small>`}</label>` : null}
    ${voice ? html`<label>${t("note")}<input maxlength="1000" value=${about.note} onInput=${(/** @type {any} */ event) => tell({ ...about, note: event.target.value })} /></label>
      <label class="inline consent"><input type="checkbox" checked=${about.promote} onChange=${(/** @type {any} */ event) => tell({ ...about, promote: event.target.checked })} /> ${t("import.promote")}</label>`
      : html`<label>${t("name")}<input id="import-name" maxlength="100" value=${name} placeholder=${kind === "archive" ? t("import.itsName") : ""} onInput=${(/** @type {any} */ event) => setName(event.target.value)} /><small>${t("import.nameWords")}</small></label>
      <div class="fields"><label>${t("owner")}<input maxlength="200" value=${about.owner} onInput=${(/** @type {any} */ event) => tell({ ...about, owner: event.target.value })} /></label>
        <label>${t("consentText")}<input maxlength="4000" value=${about.consent} placeholder=${t("import.agreed")} onInput=${(/** @type {any} */ event) => tell({ ...about, consent: event.target.value })} /></label></div>
      <label class="inline consent"><input id="import-agreed" type="checkbox" checked=${about.agreed} onChange=${(/** @type {any} */ event) => tell({ ...about, agreed: event.target.checked })} /> ${t("import.agreed")}</label>`}
    <div class="row"><${Action} id="import-keep" kind="primary" label=${voice ? t("addIt") : t("importIt")} run=${keep} disabled=${Boolean(why)} why=${why} />
      ${share > 0 && share < 1 ? html`<progress class="grow" max="1" value=${share} aria-label=${t("uploading")} />` : null}</div></${Dialog}>`;
}

/** What a voice or a mood can be called, after a file. @param {string} file */
const plain = (file) => file.replace(/\.\w+$/, "").normalize("NFC").replace(/[-_](e\d+|s\d+)(?=[-_]|$)/g, "").replace(/[^\p{L}\p{N}_.-]+/gu, "_").replace(/^[_.-]+|[_.-]+$/g, "").slice(0, 60);
