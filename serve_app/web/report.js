// The data doctor's report: the grade, what to do, and the clips that something is said about.

import { get, taskPath } from "./api.js";
import { wordsOf } from "./report_words.js";
import { inWords, text } from "./texts.js";
import { part, playButton } from "./transcripts.js";

const byId = (id) => document.getElementById(id);
const MAX_ROWS = 500;
const ASK_AGAIN_MS = 2000;
let asked = 0;

// Measuring takes a while, so nothing is asked for until the section is opened.
export async function showReport(id, fail) {
  const turn = ++asked;
  if (!byId("report-panel").open) return;
  byId("report-summary").textContent = text("measuring");
  try {
    let answer = await get(taskPath(id, "/report"));
    while (answer.state === "working") {
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
      if (turn !== asked) return;
      answer = await get(taskPath(id, "/report"));
    }
    const words = await wordsOf(answer.report);
    if (turn === asked) draw(id, answer.report, words, fail);
  } catch (error) {
    if (turn !== asked) return;
    clearReport();
    if (error.status === 409) byId("report-summary").textContent = inWords(error);
    else fail(error);
  }
}

export function clearReport() {
  byId("report-summary").textContent = "";
  byId("report-advice").replaceChildren();
  byId("report-clips").replaceChildren();
}

function draw(id, report, words, fail) {
  const facts = [
    number(report.lufs, "LUFS"), number(report.snr_db, "dB SNR"),
    number(report.true_sample_rate_hz && report.true_sample_rate_hz / 1000, "kHz"),
  ].filter(Boolean).join(" · ");
  byId("report-summary").textContent = facts ? `${words.summary()} (${facts})` : words.summary();
  byId("report-advice").replaceChildren(...words.advice().map((sentence) => {
    const item = document.createElement("li");
    item.textContent = sentence;
    return item;
  }));
  const told = report.clips.filter((clip) => clip.findings.length || clip.left_out.length);
  const recordings = report.recordings.map((item) =>
    row("bad", item.name, `${text(`step.${item.step}`)}: ${words.leftOut(item)}`));
  byId("report-clips").replaceChildren(...recordings, ...told.slice(0, MAX_ROWS).map((clip) => {
    const said = [
      ...clip.left_out.map((item) => `${text("leftOut")} (${text(`step.${item.step}`)}): ${words.leftOut(item)}`),
      ...clip.findings.map(words.finding),
    ].join(" ");
    return row(clip.verdict, clip.clip, said, (name) => playButton(id, clip.clip, name, fail));
  }));
}

function row(verdict, title, said, play) {
  const element = document.createElement("li");
  const name = part("name", title);
  const mark = part(`verdict-${verdict}`, text(`verdict.${verdict}`));
  element.append(part("marks", mark, ...(play ? [play(name)] : [])), part("said", name, said));
  return element;
}

function number(value, unit) {
  return value === null ? "" : `${value} ${unit}`;
}
