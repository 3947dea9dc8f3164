// The library's voices: keep this one there, as a voice or as the next version of one, and hear it
// while it speaks.

import { Action } from "../parts/action.js";
import { html, useEffect, useState } from "../parts/html.js";
import { useStore } from "../state/store.js";
import { change, library, readVoices, voicePath } from "../state/voices.js";
import { t } from "../words/words.js";
import { Say } from "./say.js";

/** @param {{id: string, name: string, ready: boolean, wish: Record<string, any>}} props `wish` is what the form above says */
export function Live({ id, name, ready, wish }) {
  const { voices } = useStore(library);
  const [chosen, choose] = useState("");
  const [kept, setKept] = useState(plainName(name));
  const [version, setVersion] = useState(/** @type {number | undefined} */ (undefined));
  useEffect(() => { readVoices(); }, [id]);
  const inUse = (voices ?? []).filter((/** @type {any} */ row) => !row.disabled_reason);
  const there = (voices ?? []).some((/** @type {any} */ row) => row.name === kept);
  const params = Object.fromEntries(Object.entries({ gpt_model: wish.gpt, sovits_model: wish.sovits, ref_audio: wish.reference }).filter(([, value]) => value));
  const keep = async () => {
    if (there) {
      const { number } = await change("POST", voicePath(kept, "/versions"), { task_id: id, params });
      setVersion(number);
      choose(kept);
      return t("keptVersion", { n: number });
    }
    const consent = localStorage.getItem(`consent:${id}`) === "yes" ? t("consent") : "";
    await change("POST", "/voices", { name: kept, task_id: id, consent, params });
    setVersion(undefined);
    choose(kept);
    return t("keptInLibrary");
  };
  if (!ready && !inUse.length) return null;
  return html`<div class="panel" id="live"><div class="row"><h2>${t("live")}</h2><span class="grow"></span><a href="#/library">${t("library")} →</a></div><p class="dim small">${t("liveWords")}</p>
    ${ready ? html`<div class="row"><label class="inline">${t("nameInLibrary")} <input id="keep-name" value=${kept} maxlength="80" onInput=${(/** @type {any} */ event) => setKept(event.target.value)} /></label>
      <${Action} id="keep" label=${t(there ? "keepVersion" : "keepInLibrary", { name: kept })} run=${keep} disabled=${!kept} /></div>` : null}
    ${inUse.length ? html`<${Say} voices=${inUse} chosen=${chosen} onChoose=${(/** @type {string} */ name) => { setVersion(undefined); choose(name); }} wish=${wish} version=${version} />` : null}</div>`;
}

/** What a voice can be called in requests. @param {string} name */
const plainName = (name) => name.normalize("NFC").trim().replace(/[^\p{L}\p{N}_.-]+/gu, "_").replace(/^[_.-]+|[_.-]+$/g, "").slice(0, 60) || "voice";
