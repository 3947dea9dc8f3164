// What is said in each clip: listen, correct, leave out. A row is saved when it changes; an edit
// made from an old reading is refused by the service, and the row is read again.

import { call, fetchClip, get, taskPath } from "./api.js";
import { button } from "./tables.js";
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

export async function loadList(id, file, fail) {
  try {
    const { rows, changed, problems } = await call("PUT", taskPath(id, "/transcripts.list"), file);
    byId("list-status").textContent = [`${text("changed")}: ${changed} / ${rows}`, ...problems].join(" · ");
    await showTranscripts(id, fail);
    document.dispatchEvent(new Event("edited"));
  } catch (error) { fail(error); }
}

// `mine` is what the user wrote and somebody else's edit was in the way of.
function rowOf(id, row, fail, mine) {
  const element = document.createElement("li");
  const path = taskPath(id, `/transcripts/${encodeURIComponent(row.clip)}`);
  // One after the other: the second edit of a row needs the etag that the first one gives.
  let last = Promise.resolve();
  const put = (change) => { last = last.then(() => save(change)); };
  const save = async (change) => {
    try {
      Object.assign(row, await call("PUT", path, change, { "If-Match": row.etag }));
      fill();
      document.dispatchEvent(new Event("edited"));
    } catch (error) {
      fail(error);
      if (error.status !== 409) return;
      Object.assign(row, await get(path).catch(() => row));
      element.replaceWith(rowOf(id, row, fail, change.text));
    }
  };
  const seconds = row.timing ? ` · ${(row.timing.end - row.timing.start).toFixed(1)} s` : "";
  const name = part("name", row.clip + seconds), source = part("name");
  const use = tick(row, put), said = words(row, put), language = languages(row, put);
  const useMine = button(`${text("useMine")}: ${mine}`, () => put({ text: mine }));
  const fill = () => {
    use.checked = row.include;
    if (document.activeElement !== said) said.value = row.text;
    language.value = row.language;
    source.textContent = row.source + (row.confidence === null ? "" : ` ${Math.round(100 * row.confidence)} %`);
    useMine.hidden = mine === undefined || mine === row.text;
  };
  fill();
  const label = document.createElement("label");
  label.append(use, ` ${text("use")}`);
  element.append(
    part("marks", label, playButton(id, row.clip, name, fail)), part("said", name, said, useMine),
    part("facts", language, source),
  );
  return element;
}

export function part(kind, ...content) {
  const element = document.createElement("div");
  element.className = kind;
  element.append(...content);
  return element;
}

function tick(row, put) {
  const use = document.createElement("input");
  use.type = "checkbox";
  use.setAttribute("aria-label", `${text("use")}: ${row.clip}`);
  use.addEventListener("change", () => put({ include: use.checked }));
  return use;
}

function words(row, put) {
  const input = document.createElement("textarea");
  input.rows = 2;
  input.lang = row.language;
  input.maxLength = 2000;
  input.setAttribute("aria-label", `${text("text")}: ${row.clip}`);
  input.addEventListener("change", () => put({ text: input.value.replace(/\s+/g, " ").trim() }));
  // A transcript is one line; Enter ends it.
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); input.blur(); }
  });
  return input;
}

function languages(row, put) {
  const select = document.createElement("select");
  select.append(...LANGUAGES.map((code) => new Option(code)));
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
