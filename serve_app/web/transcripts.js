// What is said in each clip: listen, correct, leave out. A row is saved when it changes; an edit
// made from an old reading is refused by the service, and the row is read again.

import { call, fetchClip, get, taskPath } from "./api.js";
import { button, cell } from "./tables.js";
import { text } from "./texts.js";

const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const LANGUAGES = ["en", "zh", "ja", "ko", "yue"];
const MAX_ROWS = 1000;
const POINTS = 200;
const player = new Audio();
let playing = null; // { button, url }

export async function showTranscripts(id, fail) {
  const { transcripts } = await get(taskPath(id, "/transcripts"));
  byId("transcripts-panel").hidden = transcripts.length === 0;
  byId("transcripts-count").textContent = `(${transcripts.length})`;
  byId("transcripts").replaceChildren(...transcripts.slice(0, MAX_ROWS).map((row) => rowOf(id, row, fail)));
}

export async function saveList(id, fail) {
  try {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await fetchClip(taskPath(id, "/transcripts.list")));
    link.download = "transcripts.list";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) { fail(error); }
}

function rowOf(id, row, fail) {
  const element = document.createElement("tr");
  const path = taskPath(id, `/transcripts/${encodeURIComponent(row.clip)}`);
  const put = async (change) => {
    try {
      const saved = await call("PUT", path, change, { "If-Match": row.etag });
      Object.assign(row, saved);
      document.dispatchEvent(new Event("edited"));
    } catch (error) {
      fail(error);
      if (error.status !== 409) return;
      Object.assign(row, await get(path).catch(() => row));
      element.replaceWith(rowOf(id, row, fail));
    }
  };
  const clip = cell(row.clip);
  clip.className = "clip";
  const sure = row.confidence === null ? "" : ` ${Math.round(100 * row.confidence)} %`;
  element.append(
    cell(tick(row, put)), cell(playButton(id, row.clip, clip, fail)), clip, cell(words(row, put)),
    cell(languages(row, put)), cell(row.source + sure),
  );
  return element;
}

function tick(row, put) {
  const use = document.createElement("input");
  use.type = "checkbox";
  use.checked = row.include;
  use.setAttribute("aria-label", `${text("use")}: ${row.clip}`);
  use.addEventListener("change", () => put({ include: use.checked }));
  return use;
}

function words(row, put) {
  const input = document.createElement("input");
  input.value = row.text;
  input.lang = row.language;
  input.maxLength = 2000;
  input.setAttribute("aria-label", `${text("text")}: ${row.clip}`);
  input.addEventListener("change", () => put({ text: input.value }));
  return input;
}

function languages(row, put) {
  const select = document.createElement("select");
  select.append(...LANGUAGES.map((code) => new Option(code)));
  select.value = row.language;
  select.setAttribute("aria-label", `${text("language")}: ${row.clip}`);
  select.addEventListener("change", () => put({ language: select.value }));
  return select;
}

export function playButton(id, clip, box, fail) {
  const base = taskPath(id, `/clips/${encodeURIComponent(clip)}`);
  const element = button("▶", async () => {
    const wasPlaying = playing?.button === element;
    stop();
    if (wasPlaying) return;
    try {
      const [sound, outline] = await Promise.all([
        fetchClip(`${base}/audio`), get(`${base}/waveform?points=${POINTS}`),
      ]);
      stop();
      if (box && !box.querySelector("svg")) box.append(picture(outline.peaks));
      playing = { button: element, url: URL.createObjectURL(sound) };
      element.textContent = "■";
      player.src = playing.url;
      await player.play();
    } catch (error) {
      stop();
      if (error.name !== "AbortError") fail(error);
    }
  });
  element.setAttribute("aria-label", `${text("play")}: ${clip}`);
  return element;
}

function stop() {
  player.pause();
  if (!playing) return;
  playing.button.textContent = "▶";
  URL.revokeObjectURL(playing.url);
  playing = null;
}

player.addEventListener("ended", stop);

function picture(peaks) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 -1 ${Math.max(peaks.length, 1)} 2`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "outline");
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS(SVG, "polygon");
  const high = peaks.map(([, value], index) => `${index},${-value}`);
  const low = peaks.map(([value], index) => `${index},${-value}`).reverse();
  shape.setAttribute("points", [...high, ...low].join(" "));
  svg.append(shape);
  return svg;
}
