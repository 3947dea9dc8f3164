// The library: kept voices, which any program speaks with by name; import, versions, taking out of use.

import { Action } from "../parts/action.js";
import { html, useEffect, useState } from "../parts/html.js";
import { useStore } from "../state/store.js";
import { library, readVoices } from "../state/voices.js";
import { inWords, t } from "../words/words.js";
import { Books } from "./books.js";
import { Import } from "./import.js";
import { Kept } from "./kept.js";
import { Say } from "./say.js";

const WISH = "speak:library";

export function Library() {
  const { voices, error } = useStore(library);
  const [importing, begin] = useState(/** @type {string | null} */ (null)); // "": a new voice; a name: its next version
  const [chosen, choose] = useState("");
  const [wish, setWish] = useState(() => JSON.parse(localStorage.getItem(WISH) ?? "{}"));
  useEffect(() => { readVoices(); }, []);
  const put = (/** @type {Record<string, any>} */ change) => {
    setWish({ ...wish, ...change });
    localStorage.setItem(WISH, JSON.stringify({ ...wish, ...change }));
  };
  const inUse = (voices ?? []).filter((/** @type {any} */ row) => !row.disabled_reason);
  return html`<div class="row head"><h1>${t("library")}</h1><span class="grow"></span>
      <button type="button" id="import" class="primary" onClick=${() => begin("")}>${t("importVoice")}</button></div>
    <p class="dim">${t("libraryWords")}</p>
    ${error && !voices ? html`<p class="banner bad" role="alert">${inWords(error)} <${Action} label=${t("again")} run=${readVoices} /></p>` : null}
    ${voices === null && !error ? html`<p class="dim" aria-busy="true">${t("loading")}</p>` : null}
    ${voices?.length === 0 ? html`<div class="panel welcome"><p>${t("libraryEmpty")}</p><p><a href="#/">${t("allVoices")}</a></p></div>` : null}
    <ul class="cards">${(voices ?? []).map((/** @type {any} */ voice) => html`<${Kept} key=${voice.voice_id} voice=${voice} onVersion=${() => begin(voice.name)} onSpeak=${() => { choose(voice.name); document.getElementById("library-text")?.focus(); }} />`)}</ul>
    ${inUse.length ? html`<div class="panel" id="live"><h2>${t("section.speak")}</h2>
      <label for="library-text" class="unseen">${t("textToSpeak")}</label>
      <textarea id="library-text" rows="3" maxlength="4096" placeholder=${t("speakExample")} value=${wish.text ?? ""} onInput=${(/** @type {any} */ event) => put({ text: event.target.value })}></textarea>
      <${Say} voices=${inUse} chosen=${chosen} onChoose=${choose} wish=${wish}>
        <label>${t("speed")} <output>${(wish.speed ?? 1).toFixed(2)}×</output><input type="range" min="0.5" max="2" step="0.05" value=${wish.speed ?? 1} onInput=${(/** @type {any} */ event) => put({ speed: Number(event.target.value) })} /></label>
        <label>${t("seed")}<input inputmode="numeric" pattern="[0-9]*" value=${wish.seed ?? ""} onChange=${(/** @type {any} */ event) => put({ seed: event.target.value.trim() })} /></label></${Say}></div>` : null}
    ${voices?.length ? html`<${Books} voices=${inUse} />` : null}
    ${importing === null ? null : html`<${Import} voice=${importing} onClose=${() => begin(null)} onKept=${(/** @type {string} */ name) => { begin(null); choose(name); }} />`}`;
}
