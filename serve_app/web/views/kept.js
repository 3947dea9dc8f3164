// A kept voice: what it is, its recordings to imitate, its versions, and whether it may speak.

import { save } from "../api/http.js";
import { Action, Said } from "../parts/action.js";
import { Dialog } from "../parts/dialog.js";
import { html, takeFocus, useEffect, useState } from "../parts/html.js";
import { Icon } from "../parts/icon.js";
import { Play } from "../parts/play.js";
import { change, versionsOf, voicePath } from "../state/voices.js";
import { inWords, t, when } from "../words/words.js";

/** @param {{voice: any, onVersion: () => void, onSpeak: () => void}} props */
export function Kept({ voice, onVersion, onSpeak }) {
  const [shown, show] = useState("");
  const off = Boolean(voice.disabled_reason);
  const close = () => show("");
  return html`<li class=${`card kept ${off ? "deleted" : ""}`} data-voice=${voice.name}>
    ${shown === "rename" ? html`<${Rename} voice=${voice} onDone=${close} />` : html`<h2>${voice.name}</h2>`}
    <p class="facts">${voice.language ? html`<span>${t(`language.${voice.language}`)}</span>` : null}<span>${voice.base_model}</span>
      <span>${t("version", { n: voice.current })}</span><span class="dim">${when(voice.created_at)}</span></p>
    ${off ? html`<p class="error small" role="status">${t("outOfUse")} <q>${voice.disabled_reason}</q></p>`
      : voice.moods.length ? html`<p class="row small moods">${voice.moods.map((/** @type {string} */ mood) => html`<span class="row tight"><${Play} path=${voicePath(voice.name, `/references/${encodeURIComponent(mood)}`)} stamp=${voice.current} label=${`${voice.name}: ${mood}`} /> ${mood}</span>`)}</p>` : null}
    ${voice.aliases.length ? html`<p class="dim small">${t("aliases", { names: voice.aliases.join(", ") })}</p>` : null}
    <p class="dim small">${voice.owner ? `${voice.owner} · ` : ""}${voice.consent || t("noConsent")}</p>
    <div class="row foot">${off ? html`<${Action} label=${t("backInUse")} run=${() => change("PATCH", voicePath(voice.name), { disabled: false })} />`
      : html`<button type="button" class="primary" aria-label=${`${t("speak")}: ${voice.name}`} onClick=${onSpeak}>${t("speak")}</button>`}
      <button type="button" aria-label=${`${t("versions")}: ${voice.name}`} onClick=${() => show("versions")}>${t("versions")}</button><span class="grow"></span>
      <button type="button" class="plain" aria-label=${`${t("rename")}: ${voice.name}`} onClick=${() => show("rename")}><${Icon} name="pen" /></button>
      ${off ? null : html`<button type="button" class="plain" title=${t("takeDown")} aria-label=${`${t("takeDown")}: ${voice.name}`} onClick=${() => show("takedown")}><${Icon} name="off" /></button>`}
      <button type="button" class="plain" title=${t("delete")} aria-label=${`${t("delete")}: ${voice.name}`} onClick=${() => show("delete")}><${Icon} name="bin" /></button></div>
    ${shown === "versions" ? html`<${Versions} voice=${voice} onAdd=${() => { close(); onVersion(); }} onClose=${close} />` : null}
    ${shown === "takedown" ? html`<${TakeDown} voice=${voice} onClose=${close} />` : null}
    ${shown === "delete" ? html`<${Dialog} title=${`${t("delete")}: ${voice.name}`} onClose=${close}><p>${t("deleteKept")}</p>
      <div class="row"><${Action} kind="danger" label=${t("deleteForGood")} run=${() => change("DELETE", voicePath(voice.name))} /><button type="button" autofocus onClick=${close}>${t("cancel")}</button></div></${Dialog}>` : null}
  </li>`;
}

function Rename({ voice, onDone }) {
  const [value, put] = useState(voice.name);
  const [bad, say] = useState("");
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      await change("PATCH", voicePath(voice.name), { name: value });
      onDone();
    } catch (error) { say(inWords(error)); }
  };
  return html`<form class="row" onSubmit=${submit} onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && onDone()}>
    <label class="grow"><span class="unseen">${t("name")}</span><input value=${value} required maxlength="100" ref=${takeFocus} onInput=${(/** @type {any} */ event) => put(event.target.value)} /></label>
    <button class="primary">${t("save")}</button><${Said} said=${bad} bad=${true} /></form>`;
}

function TakeDown({ voice, onClose }) {
  const [reason, put] = useState("");
  return html`<${Dialog} title=${`${t("takeDown")}: ${voice.name}`} onClose=${onClose}><p>${t("takeDownWords")}</p>
    <label>${t("reason")}<input id="takedown-reason" maxlength="1000" autofocus value=${reason} onInput=${(/** @type {any} */ event) => put(event.target.value)} /></label>
    <div class="row"><${Action} id="takedown" kind="danger" label=${t("takeDown")} disabled=${!reason.trim()} why=${t("whyReason")} run=${async () => {
      await change("PATCH", voicePath(voice.name), { disabled: true, reason });
      onClose();
    }} /></div></${Dialog}>`;
}

function Versions({ voice, onAdd, onClose }) {
  const [rows, setRows] = useState(/** @type {any[] | null} */ (null));
  const [bad, say] = useState("");
  const read = () => versionsOf(voice.name).then(setRows, (error) => say(inWords(error)));
  useEffect(() => { read(); }, [voice.current, voice.name]);
  return html`<${Dialog} title=${`${t("versions")}: ${voice.name}`} onClose=${onClose} wide>
    <${Said} said=${bad} bad=${true} />
    <table id="versions"><thead><tr><th scope="col">${t("versionNumber")}</th><th scope="col">${t("note")}</th><th scope="col"><span class="unseen">${t("run")}</span></th></tr></thead>
    <tbody>${(rows ?? []).map((row) => html`<tr key=${row.number} class=${row.number === voice.current ? "chosen" : ""}>
      <td>${row.number}${row.number === voice.current ? html` <strong>★ ${t("speaks")}</strong>` : null}</td>
      <td>${row.note} <span class="dim small">${row.base_model} · ${when(row.created_at)}</span></td>
      <td class="end"><span class="row">${row.number === voice.current ? null : html`<${Action} label=${t("letSpeak")} ariaLabel=${`${t("letSpeak")}: ${row.number}`} run=${() => change("POST", voicePath(voice.name, "/promote"), { version: row.number })} />`}
        ${voice.disabled_reason ? null : html`<${Action} label="↓ .zip" ariaLabel=${`${t("download")}: ${row.number}`} run=${() => save(voicePath(voice.name, `/versions/${row.number}/archive`), `${voice.name}-${row.number}.zip`)} />`}</span></td></tr>`)}</tbody></table>
    <div class="row"><button type="button" id="add-version" onClick=${onAdd}>${t("newVersion")}</button>
      ${voice.previous ? html`<${Action} id="rollback" label=${t("rollback", { n: voice.previous })} run=${() => change("POST", voicePath(voice.name, "/rollback"))} />` : null}</div></${Dialog}>`;
}
