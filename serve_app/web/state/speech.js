// Speech that is heard while it is made: POST /v1/audio/speech sends 16-bit samples, which are
// played one behind the other as they arrive.

import { newKey, send } from "../api/http.js";
import { wav } from "../parts/recorder.js";

const AHEAD = 0.08; // seconds between arrival and sound, for what comes unevenly

/**
 * @param {Record<string, any>} order fields of POST /v1/audio/speech
 * @param {(told: {firstMs?: number, seconds: number}) => void} onSound @param {AbortSignal} signal
 * @returns {Promise<Blob>} all of it as a WAV file
 */
export async function speakLive(order, onSound, signal) {
  const begun = performance.now();
  const response = await send("/v1/audio/speech", {
    method: "POST", signal, headers: { "Content-Type": "application/json", "X-Request-Id": newKey() },
    body: JSON.stringify({ ...order, response_format: "pcm", latency: "fast" }),
  });
  const rate = Number(response.headers.get("X-Sample-Rate") ?? 24_000);
  const context = new AudioContext({ sampleRate: rate });
  signal.addEventListener("abort", () => context.close());
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  /** @type {Float32Array[]} */
  const parts = [];
  let rest = new Uint8Array(0), samples = 0, at = 0, firstMs;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const bytes = new Uint8Array(rest.length + value.length);
    bytes.set(rest);
    bytes.set(value, rest.length);
    const whole = bytes.length - (bytes.length % 2); // a sample may be torn in two
    rest = bytes.slice(whole);
    if (!whole) continue;
    const sound = Float32Array.from(new Int16Array(bytes.buffer, 0, whole / 2), (sample) => sample / 32768);
    at = play(context, sound, rate, at);
    parts.push(sound);
    samples += sound.length;
    firstMs ??= performance.now() - begun;
    onSound({ firstMs, seconds: samples / rate });
  }
  return wav(parts, samples, rate);
}

/** Answers with when the next part begins. @param {AudioContext} context @param {Float32Array} sound
 * @param {number} rate @param {number} at */
function play(context, sound, rate, at) {
  const buffer = context.createBuffer(1, sound.length, rate), source = context.createBufferSource();
  buffer.copyToChannel(/** @type {any} */ (sound), 0);
  source.buffer = buffer;
  source.connect(context.destination);
  const start = Math.max(at, context.currentTime + AHEAD);
  source.start(start);
  return start + buffer.duration;
}
