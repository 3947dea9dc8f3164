// A voice of the library says a text, heard while it is made; the same request for other programs.

import { saveBlob, send } from "../api/http.js";
import { Action } from "../parts/action.js";
import { Blind } from "../parts/blind.js";
import { html, useEffect, useRef, useState } from "../parts/html.js";
import { Play } from "../parts/play.js";
import { speakLive } from "../state/speech.js";
import { versionsOf, voicePath } from "../state/voices.js";
import { t } from "../words/words.js";

/**
 * @param {{voices: any[], chosen: string, onChoose: (name: string) => void, wish: Record<string, any>, version?: number, children?: any}} props
 *   `chosen` is a name among `voices`; `wish`: text, speed, seed, language as forms hold them;
 *   `children`: more fields
 */
export function Say({ voices, chosen, onChoose, wish, version, children }) {
  const voice = voices.find((row) => row.name === chosen) ?? voices[0];
  const [versions, setVersions] = useState(/** @type {any[]} */ ([]));
  const [number, setNumber] = useState(version ?? 0);
  const [mood, setMood] = useState("");
  const [told, tell] = useState(/** @type {any} */ (null));
  const [sound, setSound] = useState(/** @type {Blob | null} */ (null));
  const [blind, compare] = useState(false);
  const [against, setAgainst] = useState(0);
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);
  useEffect(() => {
    setNumber(version ?? 0);
    setMood("");
    compare(false);
    let here = true;
    versionsOf(voice.name).then((found) => here && setVersions(found), () => here && setVersions([]));
    return () => { here = false; };
  }, [voice.name, voice.current, version]);
  const moods = (versions.find((row) => row.number === (number || voice.current))?.references ?? []).map((/** @type {any} */ row) => row.mood);
  const order = orderOf(number ? `${voice.name}@${number}` : voice.name, wish, moods.includes(mood) ? mood : "");
  const speak = async () => {
    stop.current.abort();
    stop.current = new AbortController();
    setSound(null);
    setSound(await speakLive(order, tell, stop.current.signal));
  };
  const others = versions.filter((row) => row.number !== (number || voice.current));
  const other = others.find((row) => row.number === against) ?? others[0];
  const pair = [number || voice.current, other?.number].map((each) => ({ label: t("version", { n: each }), sound: () => whole({ ...orderOf(`${voice.name}@${each}`, wish, ""), seed: order.seed ?? 1 }) }));
  const curl = `curl ${location.origin}/v1/audio/speech -o speech.mp3 -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify(order).replace(/'/g, "'\\''")}'`;
  const openai = `from openai import OpenAI\n\nclient = OpenAI(base_url="${location.origin}/v1", api_key="none")\nclient.audio.speech.create(model="tts-1", voice=${JSON.stringify(order.voice)}, input=${JSON.stringify(order.input)}).write_to_file("speech.mp3")`;
  return html`<div class="fields">
      <label>${t("voice")}<select id="live-voice" value=${voice.name} onChange=${(/** @type {any} */ event) => onChoose(event.target.value)}>${voices.map((row) => html`<option value=${row.name}>${row.name}</option>`)}</select></label>
      <label>${t("versions")}<select id="live-version" value=${number} onChange=${(/** @type {any} */ event) => setNumber(Number(event.target.value))}><option value=${0}>${t("theCurrent", { n: voice.current })}</option>
        ${versions.map((row) => html`<option value=${row.number}>${row.number}${row.note ? `: ${row.note.slice(0, 40)}` : ""}</option>`)}</select></label>
      ${moods.length ? html`<label>${t("mood")}<span class="row tight"><select id="live-mood" value=${moods.includes(mood) ? mood : ""} onChange=${(/** @type {any} */ event) => setMood(event.target.value)}><option value="">${t("byDefault")}</option>
        ${moods.map((/** @type {string} */ name) => html`<option value=${name}>${name}</option>`)}</select>
        <${Play} path=${voicePath(voice.name, `/references/${encodeURIComponent(moods.includes(mood) ? mood : moods[0])}?version=${number || voice.current}`)} label=${moods.includes(mood) ? mood : moods[0]} /></span></label>` : null}${children}</div>
    <div class="row"><${Action} id="speak-live" kind="primary" label=${t("speakLive")} run=${speak} disabled=${!order.input} why=${t("whyNoText")} />
      ${other ? html`<button type="button" id="blind" aria-pressed=${blind} disabled=${!order.input} onClick=${() => compare(!blind)}>${t("blindVersions")}</button>` : null}
      <span id="live-told" role="status" class="dim">${told ? t("firstSound", { ms: Math.round(told.firstMs), seconds: told.seconds.toFixed(1) }) : ""}</span>
      ${sound ? html`<button type="button" id="live-save" onClick=${() => saveBlob(sound, `${voice.name}.wav`)}>↓ WAV</button>` : null}<span class="grow"></span>
      <span class="row tight">${t("copyAs")} <${Action} label="curl" done=${t("copied")} run=${() => navigator.clipboard.writeText(curl)} /><${Action} label="OpenAI" done=${t("copied")} run=${() => navigator.clipboard.writeText(openai)} /></span></div>
    ${blind && other && order.input ? html`${others.length > 1 ? html`<label class="inline">${t("compareWith")} <select value=${other.number} onChange=${(/** @type {any} */ event) => setAgainst(Number(event.target.value))}>
        ${others.map((row) => html`<option value=${row.number}>${t("version", { n: row.number })}</option>`)}</select></label>` : null}
      <${Blind} pair=${pair} stamp=${JSON.stringify([order, other.number])} onClose=${() => compare(false)} />` : null}`;
}

/** @param {string} voice @param {Record<string, any>} wish @param {string} mood */
function orderOf(voice, wish, mood) {
  return {
    model: "tts-1", voice, input: wish.text?.trim() ?? "",
    ...(wish.language ? { language: wish.language } : {}),
    ...(mood ? { reference: mood } : {}),
    ...(wish.speed && wish.speed !== 1 ? { speed: wish.speed } : {}),
    ...(wish.seed && Number(wish.seed) >= 0 ? { seed: Number(wish.seed) } : {}),
  };
}

/** @param {Record<string, any>} order @returns {Promise<Blob>} all of it at once */
async function whole(order) {
  const response = await send("/v1/audio/speech", {
    method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...order, response_format: "wav", stream: false }),
  });
  return response.blob();
}
