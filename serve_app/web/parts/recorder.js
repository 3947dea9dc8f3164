// Recording in the browser: what the microphone hears, as a WAV file.

import { html, useEffect, useRef, useState } from "./html.js";
import { t, duration } from "../words/words.js";

const RATE = 48_000;

/** @param {{onFile: (file: File) => void}} props */
export function Recorder({ onFile }) {
  const [state, setState] = useState({ on: false, level: 0, seconds: 0, bad: "" });
  const session = useRef(/** @type {any} */ (null));
  const end = () => { session.current?.stop(); session.current = null; };
  useEffect(() => end, []);
  const begin = async () => {
    try {
      session.current = await record((level, seconds) => setState({ on: true, level, seconds, bad: "" }), (blob) => {
        setState({ on: false, level: 0, seconds: 0, bad: "" });
        onFile(new File([blob], `recording ${new Date().toISOString().slice(0, 19).replace(/[T:]/g, "-")}.wav`, { type: "audio/wav" }));
      });
    } catch (/** @type {any} */ error) {
      setState({ on: false, level: 0, seconds: 0, bad: t(error.name === "NotFoundError" ? "noMicrophone" : "microphoneRefused") });
    }
  };
  return html`<span class="recorder"><button type="button" id="record" class=${state.on ? "danger" : ""} onClick=${state.on ? end : begin}>${state.on ? `■ ${t("stopRecording")}` : `● ${t("record")}`}</button>
    ${state.on ? html`<span role="status">${duration(state.seconds)}</span><meter min="0" max="1" low="0.05" high="0.9" optimum="0.4" value=${state.level} aria-label=${t("level")} />` : null}
    ${state.bad ? html`<span role="alert" class="said bad">${state.bad}</span>` : null}</span>`;
}

/**
 * @param {(level: number, seconds: number) => void} onLevel @param {(wav: Blob) => void} onEnd
 */
async function record(onLevel, onEnd) {
  // As it is: what browsers do for calls (noise, echo, loudness) spoils a voice.
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 } });
  const context = new AudioContext({ sampleRate: RATE });
  await context.audioWorklet.addModule("/web/parts/microphone.js");
  const source = context.createMediaStreamSource(stream), tap = new AudioWorkletNode(context, "tap");
  /** @type {Float32Array[]} */
  const parts = [];
  let samples = 0;
  tap.port.onmessage = ({ data }) => {
    parts.push(data);
    samples += data.length;
    onLevel(Math.min(1, data.reduce((/** @type {number} */ most, /** @type {number} */ value) => Math.max(most, Math.abs(value)), 0)), samples / RATE);
  };
  source.connect(tap);
  return {
    stop() {
      source.disconnect();
      for (const track of stream.getTracks()) track.stop();
      context.close();
      if (samples) onEnd(wav(parts, samples, RATE));
    },
  };
}

/** Mono, 16 bits. @param {Float32Array[]} parts @param {number} samples @param {number} rate */
export function wav(parts, samples, rate) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples));
  const text = (/** @type {number} */ at, /** @type {string} */ word) => [...word].forEach((letter, index) => view.setUint8(at + index, letter.charCodeAt(0)));
  text(0, "RIFF"); view.setUint32(4, 36 + 2 * samples, true); text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
  view.setUint32(24, rate, true); view.setUint32(28, 2 * rate, true); view.setUint16(32, 2, true); view.setUint16(34, 16, true);
  text(36, "data"); view.setUint32(40, 2 * samples, true);
  let at = 44;
  for (const part of parts) {
    for (const value of part) {
      view.setInt16(at, Math.max(-1, Math.min(1, value)) * 32767, true);
      at += 2;
    }
  }
  return new Blob([view], { type: "audio/wav" });
}
