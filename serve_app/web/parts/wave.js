// The sound of one clip: outline, spectrogram on demand, loop and speed; by wavesurfer.js, which is
// loaded when the first clip is looked at.

import { clipPath, fetchBlob } from "../api/http.js";
import { whenBack } from "../state/connection.js";
import { inWords, t } from "../words/words.js";
import { html, useEffect, useRef, useState } from "./html.js";

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5];
// Its shadow tree gets a <style>, which the page's content policy lets in by this word alone.
const nonce = () => /** @type {HTMLElement} */ (document.querySelector("script[nonce]"))?.nonce;

const css = (/** @type {string} */ name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** @param {{task: string, clip: string, onReady: (controls: {toggle: () => void, time: () => number} | null) => void, play?: boolean}} props */
export function Wave({ task, clip, onReady, play = false }) {
  const box = useRef(/** @type {any} */ (null));
  const waves = useRef(/** @type {any} */ (null));
  const [state, setState] = useState({ on: false, bad: "", loop: false, speed: 1, spectrogram: false, ready: false, turn: 0 });
  const settings = useRef(state);
  settings.current = state;
  useEffect(() => {
    const stop = new AbortController();
    make(box.current, task, clip, settings, setState, stop.signal).then((made) => {
      if (!made) return;
      waves.current = made;
      onReady({ toggle: () => made.playPause(), time: () => made.getCurrentTime() });
      if (play) made.play().catch(() => {}); // a browser that wants a click first
    }, async (error) => {
      if (stop.signal.aborted) return;
      setState((old) => ({ ...old, bad: inWords(error) }));
      if (error.status !== 0) return;
      await whenBack();
      if (!stop.signal.aborted) setState((old) => ({ ...old, bad: "", turn: old.turn + 1 }));
    });
    return () => { stop.abort(); onReady(null); waves.current?.destroy(); waves.current = null; };
  }, [task, clip, state.spectrogram, state.turn]);
  return html`<div class="wave">
    <div class="row">
      <button type="button" class="play" disabled=${!state.ready} aria-label=${`${t(state.on ? "stop" : "play")}: ${clip}`}
        onClick=${() => waves.current?.playPause()}>${state.on ? "❚❚" : "▶"}</button>
      <div ref=${box} class="canvas"></div>
    </div>
    <div class="row small">
      <label class="inline"><input type="checkbox" checked=${state.loop} onChange=${(/** @type {any} */ event) => setState({ ...state, loop: event.target.checked })} /> ${t("loop")}</label>
      <label class="inline">${t("speed")} <select value=${state.speed} onChange=${(/** @type {any} */ event) => {
        const speed = Number(event.target.value);
        waves.current?.setPlaybackRate(speed, true);
        setState({ ...state, speed });
      }}>${SPEEDS.map((speed) => html`<option value=${speed}>${speed}×</option>`)}</select></label>
      <label class="inline"><input type="checkbox" checked=${state.spectrogram} onChange=${(/** @type {any} */ event) => setState({ ...state, spectrogram: event.target.checked, ready: false })} /> ${t("spectrogram")}</label>
      ${state.bad ? html`<span role="alert" class="said bad">${state.bad}</span>` : null}
    </div>
  </div>`;
}

/**
 * @param {HTMLElement} box @param {string} task @param {string} clip @param {{current: any}} settings
 * @param {(change: (old: any) => any) => void} setState @param {AbortSignal} signal
 */
async function make(box, task, clip, settings, setState, signal) {
  const wish = settings.current.spectrogram ? import("../vendor/wavesurfer-spectrogram.js") : null;
  const [{ default: WaveSurfer }, sound, extra] = await Promise.all([
    import("../vendor/wavesurfer.js"), fetchBlob(clipPath(task, clip, "/audio"), signal), wish,
  ]);
  if (signal.aborted) return null;
  const waves = WaveSurfer.create({
    container: box, height: 56, cspNonce: nonce(), waveColor: css("--old0"), progressColor: css("--accent"),
    cursorColor: css("--ink"), barWidth: 2, barGap: 1, normalize: true, audioRate: settings.current.speed,
    plugins: extra ? [extra.default.create({ height: 110, labels: true, frequencyMax: 12_000 })] : [],
  });
  waves.on("play", () => setState((old) => ({ ...old, on: true })));
  waves.on("pause", () => setState((old) => ({ ...old, on: false })));
  waves.on("finish", () => { if (settings.current.loop) waves.play(); });
  await waves.loadBlob(sound);
  if (signal.aborted) { waves.destroy(); return null; }
  setState((old) => ({ ...old, ready: true }));
  return waves;
}
