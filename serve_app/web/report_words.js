// What the data doctor says, in the language of the page: in English as the service answers,
// otherwise by code from report.LANGUAGE.json. What has no code stays English.

import { language } from "./texts.js";

const tables = {};

// An object whose functions give sentences for parts of a report.
export async function wordsOf(report) {
  const code = language();
  if (code !== "en") tables[code] ??= await (await fetch(`/web/report.${code}.json`)).json();
  return code === "en" ? english(report) : translated(report, tables[code]);
}

function english(report) {
  return {
    summary: () => report.summary,
    advice: () => [...report.advice, ...report.not_measured],
    finding: (finding) => finding.message,
    leftOut: (item) => item.reason,
  };
}

function translated(report, table) {
  const { num_clips: clips, num_used: used, num_good: good, grade, enough } = report;
  const amount = { minutes: (enough.seconds / 60).toFixed(1), seconds: Math.round(enough.seconds) };
  return {
    summary: () => fill(table.summary, { grade, used, good, clips, left: clips - used })
      + fill(table.enough[enough.verdict], amount),
    advice: () => [
      ...report.troubles.map((trouble) => fill(table.advice[trouble.kind], trouble)),
      ...(report.num_unread ? [unread(report, table)] : []),
      ...report.not_measured_codes.map((code) => table.not_measured[code]),
    ],
    finding: (finding) => fill(table.finding[finding.kind], finding.facts),
    leftOut: (item) => (item.code ? fill(table.left_out[item.code], item.facts) : item.reason),
  };
}

function unread(report, table) {
  const often = report.wrong_share
    ? fill(table.often_wrong, { recogniser: report.recogniser, percent: Math.round(100 * report.wrong_share) })
    : "";
  return fill(table.unread, { clips: report.num_unread }) + often;
}

function fill(sentence, facts) {
  return sentence.replace(/{(\w+)}/g, (_, name) => facts[name]);
}
