// The exported epochs of the trainings: how good each is on clips that were held out, which one is
// the voice and why. A better-sounding one can be taken for speaking.

import { fetchBlob, get, taskPath } from "../api/http.js";
import { Blind } from "../parts/blind.js";
import { html, useEffect, useState } from "../parts/html.js";
import { Play } from "../parts/play.js";
import { useStore } from "../state/store.js";
import { open } from "../state/task.js";
import { go, voiceLink } from "../state/route.js";
import { Sentence } from "../words/said.js";
import { bytes, ownWords, stepName, t } from "../words/words.js";
import { judgedCell, judgedColumns } from "./judged.js";

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
  const [pinned, pin] = useState(/** @type {number[]} */ ([])); // epochs, at most two
  const [blind, listen] = useState(false);
  const scored = row.checkpoints.some((/** @type {any} */ each) => each.score !== null);
  const heard = row.checkpoints.some((/** @type {any} */ each) => each.samples?.length);
  const judged = judgedColumns(row.checkpoints);
  const key = `speak:${id}`, choice = CHOICE[row.step];
  const wish = JSON.parse(localStorage.getItem(key) ?? "{}");
  // The chosen one needs no wish: it stays the choice when a later training chooses anew.
  const use = (/** @type {any} */ each) => {
    localStorage.setItem(key, JSON.stringify({ ...wish, [choice]: each.chosen ? "" : each.file }));
    go(voiceLink(id, "speak"));
  };
  const toggle = (/** @type {number} */ epoch) => { listen(false); pin(pinned.includes(epoch) ? pinned.filter((each) => each !== epoch) : [...pinned, epoch].slice(-2)); };
  const both = pinned.map((epoch) => row.checkpoints.find((/** @type {any} */ each) => each.epoch === epoch)).filter((each) => each?.samples?.length);
  return html`<div><h3>${stepName(row.step)}</h3>
    <table><thead><tr><th scope="col">${t("epoch")}</th>${scored ? html`<th scope="col">${t("score")}</th>` : null}${judged.map((name) => html`<th scope="col" title=${t(`judged.${name}.words`)}>${t(`judged.${name}`)}</th>`)}${heard ? html`<th scope="col">${t("samples")}</th>` : null}<th scope="col">${t("size")}</th><th scope="col"><span class="unseen">${t("useThis")}</span></th></tr></thead>
    <tbody>${row.checkpoints.map((/** @type {any} */ each) => html`<tr key=${each.epoch} class=${each.chosen ? "chosen" : ""}><td>${each.epoch}${each.problem ? html` <span title=${ownWords(each.problem) ?? each.problem}>⚠</span>` : null}${each.chosen ? html` <strong title=${ownWords(row.reason ?? "") ?? ""}>★ ${t("chosen")}</strong>` : null}${wish[choice] === each.file ? html` <strong class="yours">✓ ${t("yours")}</strong>` : null}</td>
      ${scored ? html`<td>${each.score === null ? "–" : Number(each.score.toPrecision(4))}</td>` : null}
      ${judged.map((name) => html`<td>${judgedCell(each, name)}</td>`)}
      ${heard ? html`<td class="samples">${(each.samples ?? []).map((/** @type {any} */ sample) => html`<${Play} path=${inApi(sample.url)} label=${`${t("epoch")} ${each.epoch}: ${sample.text}`} />`)}
        ${each.samples?.length ? html`<button type="button" class="small" aria-pressed=${pinned.includes(each.epoch)} aria-label=${`${t("pin")}: ${each.epoch}`} onClick=${() => toggle(each.epoch)}>${t("pin")}</button>` : null}</td>` : null}
      <td class="dim">${each.kept ? bytes(each.size) : t("notKept")}</td>
      <td class="end">${each.kept ? html`<button type="button" aria-label=${`${t("useThis")}: ${stepName(row.step)} ${each.epoch}`} onClick=${() => use(each)}>${t("useThis")}</button>` : null}</td></tr>`)}</tbody></table>
    ${both.length === 2 && !blind ? html`<button type="button" onClick=${() => listen(true)}>${t("blind")}</button>` : null}
    ${both.length === 2 && blind ? html`<${Blind} pair=${both.map((each) => ({ label: `${t("epoch")} ${each.epoch}`, sound: () => fetchBlob(inApi(each.samples[0].url)) }))} stamp=${pinned.join()} onClose=${() => listen(false)} />` : null}
    ${row.reason ? html`<p class="dim small"><${Sentence} said=${row.reason} /></p>` : null}
    ${row.warning ? html`<p class="small">⚠ <${Sentence} said=${row.warning} /></p>` : null}</div>`;
}

/** An address as requests of the page take it. @param {string} url */
const inApi = (url) => url.replace(/^\/api\/v1/, "");
