// What the data doctor says, in the language of the page: in English as the service answers,
// otherwise by code from report.LANGUAGE.json. What has no code stays English.

import { fill, language } from "./words.js";

/** @type {Record<string, any>} */
const tables = {};

/** An object whose functions give sentences for parts of a report.
 * @param {any} report @returns {Promise<any>} */
export async function wordsOf(report) {
  const code = language();
  if (code !== "en") tables[code] ??= await (await fetch(`/web/words/report.${code}.json`)).json();
  return code === "en" ? english(report) : translated(report, tables[code]);
}

/** @param {any} report */
function english(report) {
  return {
    summary: () => report.summary,
    advice: () => report.advice.map((/** @type {string} */ sentence, /** @type {number} */ index) =>
      ({ sentence, kind: report.troubles[index]?.kind ?? "unread" })),
    notMeasured: () => report.not_measured,
    finding: (/** @type {any} */ finding) => finding.message,
    leftOut: (/** @type {any} */ item) => item.reason,
  };
}

/** @param {any} report @param {any} table */
function translated(report, table) {
  const { num_clips: clips, num_used: used, num_good: good, grade, enough } = report;
  const amount = { minutes: (enough.seconds / 60).toFixed(1), seconds: Math.round(enough.seconds) };
  return {
    summary: () => fill(table.summary, { grade, used, good, clips, left: clips - used })
      + fill(table.enough[enough.verdict], amount),
    advice: () => [
      ...report.troubles.map((/** @type {any} */ trouble) => ({ sentence: fill(table.advice[trouble.kind], trouble), kind: trouble.kind })),
      ...(report.num_unread ? [{ sentence: unread(report, table), kind: "unread" }] : []),
    ],
    notMeasured: () => report.not_measured_codes.map((/** @type {string} */ code) => table.not_measured[code]),
    finding: (/** @type {any} */ finding) => fill(table.finding[finding.kind], finding.facts),
    leftOut: (/** @type {any} */ item) => (item.code ? fill(table.left_out[item.code], item.facts) : item.reason),
  };
}

/** @param {any} report @param {any} table */
function unread(report, table) {
  const often = report.wrong_share
    ? fill(table.often_wrong, { recogniser: report.recogniser_name, percent: Math.round(100 * report.wrong_share) })
    : "";
  return fill(table.unread, { clips: report.num_unread }) + often;
}
