// Cuts by hand: a clip trimmed, split, merged with the next. Texts move at once; the sound is cut
// when the steps run again.

import { call, taskPath } from "../api/http.js";
import { draft, edits, oneLine, remember } from "./edits.js";
import { open, refresh } from "./task.js";

const RATE = 32_000; // samples a second, in the names of clips

/** Where a clip lies in its recording, in seconds; null for a name that does not say.
 * @param {string} clip */
export function placeOf(clip) {
  const found = /^(.*)_(\d{10})_(\d{10})\.wav$/.exec(clip);
  return found && { recording: found[1], start: Number(found[2]) / RATE, end: Number(found[3]) / RATE };
}

/** The clip that follows in the same recording. @param {string} clip */
export function nextOf(clip) {
  const place = placeOf(clip);
  if (!place) return null;
  const later = open.value.transcripts.map((/** @type {any} */ row) => row.clip).filter((/** @type {string} */ name) => {
    const other = placeOf(name);
    return other && other.recording === place.recording && other.start >= place.end;
  });
  return later.sort()[0] ?? null;
}

/** @param {string} clip */
const textOf = (clip) => edits.value.drafts[clip] ?? open.value.transcripts.find((/** @type {any} */ row) => row.clip === clip)?.text ?? "";

/** @param {string} clip @param {{start?: number, end?: number}} edges in seconds of the clip */
export const trim = (clip, edges) => cut([clip], [{ ...edges, text: oneLine(textOf(clip)) }]);

/** @param {string} clip @param {number} at in seconds of the clip
 * @param {number} caret where the text is cut, 0 or its length: where it would be by time */
export function split(clip, at, caret) {
  const place = placeOf(clip), text = textOf(clip);
  if (!place) return Promise.resolve([]);
  const [first, second] = divide(text, caret, at / (place.end - place.start));
  return cut([clip], [{ end: at, text: first }, { start: at, text: second }]);
}

/** @param {string} clip */
export function mergeWithNext(clip) {
  const next = nextOf(clip);
  return next ? cut([clip, next], [{}]) : Promise.resolve([]);
}

/** The text in two: at the caret if it stands inside, else at the blank that is nearest to the
 * share of the time. @param {string} text @param {number} caret @param {number} share */
export function divide(text, caret, share) {
  let at = caret;
  if (at <= 0 || at >= text.length) {
    at = Math.round(share * text.length);
    const blanks = [...text.matchAll(/\s/g)].map((found) => found.index);
    if (blanks.length) at = blanks.reduce((best, blank) => (Math.abs(blank - at) < Math.abs(best - at) ? blank : best));
  }
  return [oneLine(text.slice(0, at)), oneLine(text.slice(at))];
}

/** @param {string[]} clips @param {any[]} pieces @returns {Promise<string[]>} the new clips */
export async function cut(clips, pieces) {
  const back = clips.map((clip) => ({ place: placeOf(clip), text: textOf(clip) }));
  const { clips: made } = await call("POST", taskPath(open.value.id, "/cuts"), { clips, pieces });
  for (const clip of clips) draft(clip, null);
  const begin = placeOf(made[0])?.start ?? 0;
  // What would make the old clips of the new ones again.
  remember({ cut: made, pieces: back.map(({ place, text }) => ({ start: (place?.start ?? 0) - begin, end: (place?.end ?? 0) - begin, text })) });
  refresh(["transcripts", "task"]);
  return made;
}
