// The exported epochs of the trainings: how good each is on clips that were held out, which one is
// the voice and why. A better-sounding one can be taken for speaking.

import { get, taskPath } from "../api/http.js";
import { html, useEffect, useState } from "../parts/html.js";
import { useStore } from "../state/store.js";
import { open } from "../state/task.js";
import { go, voiceLink } from "../state/route.js";
import { Sentence } from "../words/said.js";
import { bytes, stepName, t } from "../words/words.js";

/** @type {Record<string, string>} what the choice is called where speaking is asked for */
const CHOICE = { train_sovits: "sovits", train_gpt: "gpt" };

export function Leaderboard() {
  const { id, task, drawn } = useStore(open);
  const [found, setFound] = useState(/** @type {any} */ (null));
  useEffect(() => {
    const stop = new AbortController();
    get(taskPath(id, "/checkpoints"), stop.signal).then(setFound, () => {});
    return () => stop.abort();
  }, [id, task.status, drawn]);
  const newest = ["train_sovits", "train_gpt"].map((step) => (found?.trainings ?? []).filter((/** @type {any} */ row) => row.step === step).pop()).filter((row) => row?.checkpoints.length);
  if (!newest.length) return null;
  return html`<div class="panel" id="leaderboard"><h2>${t("leaderboard")}</h2><p class="dim small">${t("leaderboardWords")}</p>
    <div class="boards">${newest.map((row) => html`<${Board} key=${row.step} id=${id} row=${row} />`)}</div></div>`;
}

function Board({ id, row }) {
  const scored = row.checkpoints.some((/** @type {any} */ each) => each.score !== null);
  const use = (/** @type {any} */ each) => {
    const key = `speak:${id}`;
    localStorage.setItem(key, JSON.stringify({ ...JSON.parse(localStorage.getItem(key) ?? "{}"), [CHOICE[row.step]]: each.file }));
    go(voiceLink(id, "speak"));
  };
  return html`<div><h3>${stepName(row.step)}</h3>
    <table><thead><tr><th scope="col">${t("epoch")}</th>${scored ? html`<th scope="col">${t("score")}</th>` : null}<th scope="col">${t("size")}</th><th scope="col"><span class="unseen">${t("useThis")}</span></th></tr></thead>
    <tbody>${row.checkpoints.map((/** @type {any} */ each) => html`<tr class=${each.chosen ? "chosen" : ""}><td>${each.epoch}${each.chosen ? html` <strong title=${row.reason ?? ""}>★ ${t("chosen")}</strong>` : null}</td>
      ${scored ? html`<td>${each.score === null ? "–" : Number(each.score.toPrecision(4))}</td>` : null}<td class="dim">${each.kept ? bytes(each.size) : t("notKept")}</td>
      <td class="end">${each.kept ? html`<button type="button" aria-label=${`${t("useThis")}: ${stepName(row.step)} ${each.epoch}`} onClick=${() => use(each)}>${t("useThis")}</button>` : null}</td></tr>`)}</tbody></table>
    ${row.reason ? html`<p class="dim small"><${Sentence} said=${row.reason} /></p>` : null}
    ${row.warning ? html`<p class="small">⚠ <${Sentence} said=${row.warning} /></p>` : null}</div>`;
}
