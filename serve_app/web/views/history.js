// What was spoken, from the facts that the step keeps beside each sound; two can be pinned and
// compared, also without knowing which is which.

import { fetchBlob, filePath, get, save } from "../api/http.js";
import { Action } from "../parts/action.js";
import { Blind } from "../parts/blind.js";
import { html, useEffect, useMemo, useRef, useState } from "../parts/html.js";
import { Play } from "../parts/play.js";
import { Sentence } from "../words/said.js";
import { t } from "../words/words.js";

/** @param {{id: string, files: any[], onReuse: (wish: Record<string, any>) => void}} props */
export function History({ id, files, onReuse }) {
  const sounds = useMemo(() => files.filter((/** @type {any} */ file) => file.kind === "output" && file.name.endsWith(".wav"))
    .sort((/** @type {any} */ a, /** @type {any} */ b) => (a.name < b.name ? 1 : -1)), [files]);
  const [facts, setFacts] = useState(/** @type {Record<string, any>} */ ({}));
  const [pinned, pin] = useState(/** @type {string[]} */ ([]));
  const [blind, listen] = useState(false);
  const asked = useRef(new Set());
  useEffect(() => {
    for (const file of sounds.slice(0, 50)) {
      const stamp = `${file.name} ${file.sha256}`;
      if (asked.current.has(stamp)) continue;
      asked.current.add(stamp);
      get(filePath(id, file.name.replace(/\.wav$/, ".json"))).then((found) => setFacts((old) => ({ ...old, [file.name]: found })), () => {});
    }
  }, [sounds]);
  if (!sounds.length) return null;
  const toggle = (/** @type {string} */ name) => pin(pinned.includes(name) ? pinned.filter((each) => each !== name) : [...pinned, name].slice(-2));
  const rowOf = (/** @type {string} */ name) => sounds.find((/** @type {any} */ file) => file.name === name);
  return html`<div class="panel" id="history"><h2>${t("spoken")}</h2>
    ${blind && pinned.length === 2 ? html`<${Blind} pair=${pinned.map((name, index) => ({ label: `${"AB"[index]} (${t("seed")} ${facts[name]?.settings?.seed} · ${short(facts[name]?.sovits_model)})`, sound: () => fetchBlob(filePath(id, name)) }))} stamp=${pinned.join(" ")} onClose=${() => listen(false)} />`
      : pinned.length ? html`<div class="compare" role="group" aria-label=${t("compare")}>${pinned.map((name, index) => html`<div><strong>${"AB"[index]}</strong> <${Play} path=${filePath(id, name)} stamp=${rowOf(name)?.sha256} label=${`${"AB"[index]}: ${facts[name]?.text ?? name}`} />
      <q>${facts[name]?.text}</q> <small class="dim">${t("seed")} ${facts[name]?.settings?.seed} · ${short(facts[name]?.sovits_model)}</small></div>`)}
      ${pinned.length === 2 ? html`<button type="button" id="blind-pinned" onClick=${() => listen(true)}>${t("blind")}</button>` : null}</div>` : null}
    <ol class="spoken">${sounds.map((/** @type {any} */ file) => {
      const found = facts[file.name];
      return html`<li key=${file.name}><${Play} path=${filePath(id, file.name)} stamp=${file.sha256} label=${found?.text ?? file.name} />
        <div><q lang=${found?.language}>${found?.text ?? file.name.split("/").pop()}</q>
          ${found ? html`<small class="dim">${found.seconds?.toFixed?.(1)} s · ${found.base_model} · ${short(found.sovits_model)} + ${short(found.gpt_model)} · ${t("seed")} ${found.settings.seed} · ${found.settings.speed}×</small>` : null}
          ${(found?.warnings ?? []).map((/** @type {string} */ said) => html`<p class="small">⚠ <${Sentence} said=${said} /></p>`)}</div>
        <span class="row tight"><button type="button" aria-pressed=${pinned.includes(file.name)} onClick=${() => toggle(file.name)}>${t("pin")}</button>
          ${found ? html`<button type="button" onClick=${() => onReuse({ text: found.text, seed: String(found.settings.seed), speed: found.settings.speed, sovits: found.sovits_model, gpt: found.gpt_model })}>${t("reuse")}</button>` : null}
          <${Action} label="↓" ariaLabel=${`${t("download")}: ${file.name}`} run=${() => save(filePath(id, file.name), file.name.split("/").pop())} /></span></li>`;
    })}</ol></div>`;
}

/** @param {string} [name] */
const short = (name) => name?.split("/").pop()?.replace(/\.\w+$/, "") ?? "";
