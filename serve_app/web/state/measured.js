// How long and how loud a sound file is: decoded by the browser, remembered by its content.

import { filePath, fetchBlob } from "../api/http.js";

const MAX_BYTES = 60_000_000; // decoding takes ten times as much memory
const KNOWN = ["RIFF", "RIFX", "RF64", "fLaC", "OggS", "ID3", "FORM", "caff", "#!AMR", "MAC ", "wvpk"];
const DECLARED = /\.(txt|list|dict|pth|ckpt|safetensors)$/i;

/** @type {AudioContext | null} */
let context = null;

/** @param {Blob} blob @returns {Promise<{seconds: number, peak: number, rms: number, rate: number} | null>} null: not decoded */
export async function measure(blob) {
  if (blob.size > MAX_BYTES) return null;
  context ??= new AudioContext();
  try {
    const sound = await context.decodeAudioData(await blob.arrayBuffer());
    const samples = sound.getChannelData(0);
    let peak = 0, power = 0;
    for (let i = 0; i < samples.length; i++) {
      const value = Math.abs(samples[i]);
      if (value > peak) peak = value;
      power += value * value;
    }
    return { seconds: sound.duration, peak: decibels(peak), rms: decibels(Math.sqrt(power / samples.length)), rate: sound.sampleRate };
  } catch {
    return null;
  }
}

const decibels = (/** @type {number} */ value) => Math.round(20 * Math.log10(Math.max(value, 1e-6)) * 10) / 10;

/** What is told by its first bytes to be no container of sound, although it claims to be one.
 * @param {File} file */
export async function isNoSound(file) {
  if (DECLARED.test(file.name)) return false;
  if (file.size === 0) return true;
  const start = new Uint8Array(await file.slice(0, 16).arrayBuffer());
  const text = String.fromCharCode(...start);
  const frame = start[0] === 0xff && (start[1] & 0xe0) === 0xe0; // MPEG, AAC
  const matroska = start[0] === 0x1a && start[1] === 0x45;
  const asf = start[0] === 0x30 && start[1] === 0x26;
  const transport = start[0] === 0x47 || (start[0] === 0 && start[1] === 0 && start[2] === 1);
  return !(KNOWN.some((mark) => text.startsWith(mark)) || text.slice(4, 8) === "ftyp" || frame || matroska || asf || transport
    || text.startsWith(".snd") || (await measure(file)) !== null);
}

/** @param {string} sha256 @param {any} [found] */
export function remembered(sha256, found) {
  const key = `sound:${sha256.slice(0, 20)}`;
  try {
    if (found) localStorage.setItem(key, JSON.stringify(found));
    return found ?? JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    return found ?? null; // a full or locked store only costs measuring again
  }
}

/** Measures what is in the task already, one after the other.
 * @param {string} id @param {any[]} files @param {(count: number) => void} onFound @param {AbortSignal} signal */
export async function measureStored(id, files, onFound, signal) {
  for (const [index, file] of files.entries()) {
    if (signal.aborted) return;
    if (remembered(file.sha256) || file.size > MAX_BYTES) continue;
    try {
      const found = await measure(await fetchBlob(filePath(id, file.name), signal));
      remembered(file.sha256, found ?? { seconds: null });
      onFound(index);
    } catch { return; } // nobody answers, or the view was left
  }
}
