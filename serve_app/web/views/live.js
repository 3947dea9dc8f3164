// The library's voices: keep this one there, and hear it while it speaks.

import { call, get, saveBlob } from "../api/http.js";
import { Action } from "../parts/action.js";
import { html, useEffect, useRef, useState } from "../parts/html.js";
import { speakLive } from "../state/speech.js";
import { t } from "../words/words.js";

/** @param {{id: string, name: string, ready: boolean, wish: Record<string, any>}} props `wish` is what the form above says */
export function Live({ id, name, ready, wish }) {
  const [voices, setVoices] = useState(/** @type {any[]} */ ([]));
  const [chosen, choose] = useState("");
  const [kept, setKept] = useState(plainName(name));
  const [told, tell] = useState(/** @type {any} */ (null));
  const [sound, setSound] = useState(/** @type {Blob | null} */ (null));
  const stop = useRef(new AbortController());
  const read = async () => setVoices((await get("/voices")).voices);
  useEffect(() => { read().catch(() => {}); return () => stop.current.abort(); }, [id]);
  const voice = chosen || voices[0]?.name || "";
  const order = { model: "tts-1", voice, input: wish.text?.trim() ?? "", ...(wish.speed && wish.speed !== 1 ? { speed: wish.speed } : {}), ...(Number(wish.seed) >= 0 && wish.seed ? { seed: Number(wish.seed) } : {}) };
  const speak = async () => {
    stop.current.abort();
    stop.current = new AbortController();
    setSound(null);
    setSound(await speakLive(order, tell, stop.current.signal));
  };
  const keep = async () => {
    const consent = localStorage.getItem(`consent:${id}`) === "yes" ? t("consent") : "";
    await call("POST", "/voices", { name: kept, task_id: id, consent });
    await read();
    choose(kept);
  };
  const curl = `curl ${location.origin}/v1/audio/speech -o speech.mp3 -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify(order).replace(/'/g, "'\\''")}'`;
  const openai = `from openai import OpenAI\n\nclient = OpenAI(base_url="${location.origin}/v1", api_key="none")\nclient.audio.speech.create(model="tts-1", voice=${JSON.stringify(voice)}, input=${JSON.stringify(order.input)}).write_to_file("speech.mp3")`;
  if (!ready && !voices.length) return null;
  return html`<div class="panel" id="live"><h2>${t("live")}</h2><p class="dim small">${t("liveWords")}</p>
    ${ready ? html`<div class="row"><label class="inline">${t("nameInLibrary")} <input id="keep-name" value=${kept} maxlength="80" onInput=${(/** @type {any} */ event) => setKept(event.target.value)} /></label>
      <${Action} id="keep" label=${t("keepInLibrary")} run=${keep} done=${t("keptInLibrary")} /></div>` : null}
    ${voices.length ? html`<div class="row"><label class="inline">${t("voice")} <select id="live-voice" value=${voice} onChange=${(/** @type {any} */ event) => choose(event.target.value)}>${voices.map((row) => html`<option value=${row.name}>${row.name}</option>`)}</select></label>
      <${Action} id="speak-live" kind="primary" label=${t("speakLive")} run=${speak} disabled=${!order.input} why=${t("whyNoText")} />
      <span id="live-told" role="status" class="dim">${told ? t("firstSound", { ms: Math.round(told.firstMs), seconds: told.seconds.toFixed(1) }) : ""}</span>
      ${sound ? html`<button type="button" id="live-save" onClick=${() => saveBlob(sound, `${voice}.wav`)}>↓ WAV</button>` : null}<span class="grow"></span>
      <span class="row tight">${t("copyAs")} <${Action} label="curl" done=${t("copied")} run=${() => navigator.clipboard.writeText(curl)} /><${Action} label="OpenAI" done=${t("copied")} run=${() => navigator.clipboard.writeText(openai)} /></span></div>` : null}</div>`;
}

/** What a voice can be called in requests. @param {string} name */
const plainName = (name) => name.normalize("NFC").trim().replace(/[^\p{L}\p{N}_.-]+/gu, "_").replace(/^[_.-]+|[_.-]+$/g, "").slice(0, 60) || "voice";
