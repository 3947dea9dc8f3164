// The doctor's word on the whole set: the grade, what to do, and where that is done.

import { html } from "../parts/html.js";
import { inWords, stepName, t } from "../words/words.js";

// What can be done about a trouble here and now.
/** @type {Record<string, string>} */
const FILTER_FOR = { unread: "unread", confidence: "doubtful", text_rate: "doubtful", other_voice: "doubtful", copy: "doubtful", silence: "doubtful", clipped: "doubtful" };
const CUT_AGAIN = ["duration", "little_speech"];

/** @param {any} props */
export function Summary({ report, words, state, error, onFilter }) {
  if (state === "working" && !report) return html`<p class="panel dim" aria-busy="true">${t("measuring")}</p>`;
  if (error) return html`<p class="banner bad" role="alert">${inWords(error)}</p>`;
  if (!report || !words) return null;
  const facts = [number(report.lufs, "LUFS"), number(report.snr_db, "dB SNR"), number(report.true_sample_rate_hz && report.true_sample_rate_hz / 1000, "kHz")].filter(Boolean);
  return html`<div class="panel summary" aria-busy=${state === "working"}><span class=${`grade big grade-${report.grade}`} aria-label=${`${t("grade")} ${report.grade}`}>${report.grade}</span>
    <div><p id="report-summary">${words.summary()} <span class="dim">${facts.join(" · ")}</span></p>
      <ul id="report-advice">${words.advice().map(({ sentence, kind }) => html`<li>${sentence} ${FILTER_FOR[kind] ? html`<button type="button" class="link" onClick=${() => onFilter(FILTER_FOR[kind])}>${t("showThem")}</button>` : null}
        ${CUT_AGAIN.includes(kind) ? html`<a href=${location.hash.replace(/[^/]*$/, "recordings")}>${t("cutAgain")}</a>` : null}</li>`)}
        ${words.notMeasured().map((/** @type {string} */ sentence) => html`<li class="dim">${sentence}</li>`)}</ul>
      ${report.recordings.length ? html`<details><summary>${t("recordingsLeftOut", { n: report.recordings.length })}</summary><ul>${report.recordings.map((/** @type {any} */ item) =>
        html`<li><strong>${item.name}</strong> (${stepName(item.step)}): ${words.leftOut(item)}</li>`)}</ul></details>` : null}</div></div>`;
}

/** @param {number | null} value @param {string} unit */
const number = (value, unit) => (value === null ? "" : `${value} ${unit}`);
