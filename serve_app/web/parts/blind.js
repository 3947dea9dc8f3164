// Two sounds without their names: which one is better is said before it is shown which was which.

import { inWords, t } from "../words/words.js";
import { Said } from "./action.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { playBlob, playing, stopPlaying } from "./play.js";
import { useStore } from "../state/store.js";

/** @typedef {{label: string, sound: () => Promise<Blob>}} Side */

/**
 * @param {{pair: Side[], stamp: string, onClose: () => void}} props `stamp` changes with the two sounds
 */
export function Blind({ pair, stamp, onClose }) {
  const [round, begin] = useState(newRound);
  const [votes, count] = useState([0, 0]);
  const [heard, hear] = useState([false, false]);
  const [loading, load] = useState(-1);
  const [bad, say] = useState("");
  const kept = useRef(/** @type {(Blob | null)[]} */ ([null, null]));
  const key = useStore(playing, (value) => value.key);
  useEffect(() => {
    kept.current = [null, null];
    count([0, 0]);
    next();
    return stopPlaying;
  }, [stamp]);
  const next = () => { begin(newRound()); hear([false, false]); };
  // Place 0 is called X and place 1 Y; `swapped` says whether X is the second of the pair.
  const sideAt = (/** @type {number} */ place) => (round.swapped ? 1 - place : place);
  const play = async (/** @type {number} */ place) => {
    if (key === keyOf(place)) return stopPlaying();
    say("");
    load(place);
    try {
      const side = sideAt(place);
      kept.current[side] ??= await pair[side].sound();
      hear((old) => old.map((was, index) => was || index === place));
      await playBlob(keyOf(place), /** @type {Blob} */ (kept.current[side]));
    } catch (error) { say(inWords(error)); }
    load(-1);
  };
  const choose = (/** @type {number | null} */ place) => {
    stopPlaying();
    if (place !== null) count(votes.map((votes, side) => votes + (side === sideAt(place) ? 1 : 0)));
    begin({ ...round, over: true });
  };
  const ready = heard[0] && heard[1];
  return html`<div class="blind" role="group" aria-label=${t("blind")}>
    <div class="row"><strong>${t("blind")}</strong><span class="dim small grow">${t(ready || round.over ? "blind.which" : "blind.words")}</span>
      <button type="button" class="plain" aria-label=${t("close")} onClick=${onClose}>×</button></div>
    <div class="row">${[0, 1].map((place) => html`<button type="button" class="sound" aria-pressed=${key === keyOf(place)} aria-busy=${loading === place} disabled=${loading >= 0} onClick=${() => play(place)}>
      ${key === keyOf(place) ? "■" : "▶"} ${"XY"[place]}${loading === place ? " …" : ""}${round.over ? html` = <strong>${pair[sideAt(place)].label}</strong>` : null}</button>`)}
      <span class="grow"></span>
      ${round.over ? html`<button type="button" class="primary" onClick=${next}>${t("blind.again")}</button>`
        : [...[0, 1].map((place) => html`<button type="button" disabled=${!ready} onClick=${() => choose(place)}>${t("blind.better", { which: "XY"[place] })}</button>`),
          html`<button type="button" disabled=${!ready} onClick=${() => choose(null)}>${t("blind.equal")}</button>`]}</div>
    <p class="small" role="status">${votes[0] + votes[1] ? t("blind.votes", { first: pair[0].label, n: votes[0], second: pair[1].label, m: votes[1] }) : ""}</p>
    <${Said} said=${bad} bad=${true} onClose=${() => say("")} /></div>`;
}

const keyOf = (/** @type {number} */ place) => `blind ${place}`;

const newRound = () => ({ swapped: crypto.getRandomValues(new Uint8Array(1))[0] % 2 === 1, over: false });
