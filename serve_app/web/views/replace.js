// Find and replace in all texts; one undo takes all of it back.

import { Action } from "../parts/action.js";
import { Dialog } from "../parts/dialog.js";
import { html, useState } from "../parts/html.js";
import { replaceAll, replacements } from "../state/edits.js";
import { t } from "../words/words.js";

const SHOWN = 8;

export function Replace({ onClose }) {
  const [wanted, want] = useState("");
  const [instead, put] = useState("");
  const found = replacements(wanted, instead);
  return html`<${Dialog} title=${t("replace")} onClose=${onClose} wide=${true}>
    <label>${t("find")}<input id="replace-find" autofocus value=${wanted} onInput=${(/** @type {any} */ event) => want(event.target.value)} /></label>
    <label>${t("replaceBy")}<input id="replace-by" value=${instead} onInput=${(/** @type {any} */ event) => put(event.target.value)} /></label>
    <p role="status">${wanted ? t("wouldChange", { n: found.length }) : ""}</p>
    <ul class="small">${found.slice(0, SHOWN).map(({ text }) => html`<li>${text}</li>`)}</ul>
    <div class="row"><${Action} kind="primary" label=${t("replaceAll")} disabled=${!found.length} run=${async () => t("changed", { n: await replaceAll(wanted, instead) })} />
      <button type="button" onClick=${onClose}>${t("close")}</button></div></${Dialog}>`;
}
