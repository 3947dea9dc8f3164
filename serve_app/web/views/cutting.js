// Under the sound of the clip that is looked at: move its edges, split it, merge it with the next.
// And above all clips: what was cut and waits to be computed.

import { Action } from "../parts/action.js";
import { html } from "../parts/html.js";
import { mergeWithNext, nextOf, placeOf, split, trim } from "../state/cuts.js";
import { open, run, stepNamed } from "../state/task.js";
import { useStore } from "../state/store.js";
import { t } from "../words/words.js";

/** @param {{clip: string, time: () => number, caret: () => number, onCut: (clip: string) => void}} props
 *   `time`: where the sound stands, in seconds; `caret`: where the text's caret stands */
export function Cutting({ clip, time, caret, onCut }) {
  if (!placeOf(clip)) return null;
  const after = (/** @type {string[]} */ made) => { if (made.length) onCut(made[0]); };
  const inside = () => {
    if (!(time() > 0)) throw new Error(t("cut.goInside"));
    return time();
  };
  return html`<div class="row small cutting">
    <${Action} label=${t("cut.start")} title=${t("cut.startWords")} run=${async () => after(await trim(clip, { start: inside() }))} />
    <${Action} label=${t("cut.end")} title=${t("cut.endWords")} run=${async () => after(await trim(clip, { end: inside() }))} />
    <${Action} label=${t("cut.split")} title=${t("cut.splitWords")} run=${async () => after(await split(clip, inside(), caret()))} />
    <${Action} label=${t("cut.merge")} title=${t("cut.mergeWords")} disabled=${!nextOf(clip)} run=${async () => after(await mergeWithNext(clip))} />
  </div>`;
}

/** Clips whose sound is not there yet. */
export function CutsWaiting() {
  const { transcripts, task } = useStore(open);
  const waiting = transcripts.filter((/** @type {any} */ row) => !row.timing && placeOf(row.clip)).length;
  if (!waiting || !stepNamed("slice_audio")?.stale || task?.status === "running" || task?.status === "queued") return null;
  return html`<p class="banner" id="cuts-waiting"><span>${t("cut.waiting", { n: waiting })}</span>
    <${Action} kind="primary" id="cut-now" label=${t("cut.now")} run=${() => run({ to: "asr_transcribe" })} /></p>`;
}
