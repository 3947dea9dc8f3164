// One sound at a time, by a button where it belongs.

import { fetchBlob } from "../api/http.js";
import { Store, useStore } from "../state/store.js";
import { inWords, t } from "../words/words.js";
import { html, useState } from "./html.js";

const player = new Audio();
/** `key` says which button's sound is heard; null: none. */
export const playing = new Store({ key: null });
let url = "";

player.addEventListener("ended", () => stopPlaying());

export function stopPlaying() {
  player.pause();
  if (url) URL.revokeObjectURL(url);
  url = "";
  playing.set({ key: null });
}

/** @param {string} key @param {Blob} blob @param {number} rate */
export async function playBlob(key, blob, rate = 1) {
  stopPlaying();
  url = URL.createObjectURL(blob);
  player.src = url;
  player.playbackRate = rate;
  playing.set({ key });
  try {
    await player.play();
  } catch (/** @type {any} */ error) {
    if (error.name !== "AbortError") stopPlaying();
    if (error.name !== "AbortError" && error.name !== "NotAllowedError") throw error;
  }
}

/** Answers whether it was heard to its end, and not stopped. @param {string} key @param {Blob} blob
 * @returns {Promise<boolean>} */
export async function playToEnd(key, blob) {
  await playBlob(key, blob);
  if (playing.value.key !== key) return false;
  return new Promise((resolve) => {
    const forget = playing.watch(() => {
      forget();
      resolve(player.ended && playing.value.key === null);
    });
  });
}

/** @param {{path: string, label: string, stamp?: string, text?: string}} props `stamp` changes with the content */
export function Play({ path, label, stamp = "", text = "" }) {
  const key = `${path} ${stamp}`;
  const on = useStore(playing, (value) => value.key === key);
  const [bad, setBad] = useState("");
  const toggle = async () => {
    if (on) return stopPlaying();
    setBad("");
    try {
      await playBlob(key, await fetchBlob(path));
    } catch (error) {
      setBad(inWords(error));
    }
  };
  return html`<button type="button" class=${`play ${on ? "on" : ""}`} aria-pressed=${on} aria-label=${`${t(on ? "stop" : "play")}: ${label}`}
    title=${bad || label} onClick=${toggle}>${on ? "■" : "▶"}${text ? ` ${text}` : ""}</button>${bad ? html`<span role="alert" class="said bad">${bad}</span>` : null}`;
}
