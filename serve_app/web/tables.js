// What a task holds: its voice and its files.

import { fetchFile, get, taskPath } from "./api.js";
import { text } from "./texts.js";

const byId = (id) => document.getElementById(id);
const MAX_ROWS = 1000;

export async function showFiles(id, fail) {
  const { files } = await get(taskPath(id, "/files"));
  byId("files-count").textContent = `(${files.length})`;
  byId("files").replaceChildren(...files.slice(0, MAX_ROWS).map((file) => {
    const row = document.createElement("tr");
    const link = button(file.name, () => save(id, file.name).catch(fail));
    const size = cell(bytes(file.size));
    size.className = "size";
    row.append(cell(link), cell(file.kind), size);
    return row;
  }));
  await showVoices(id, files.filter((file) => file.kind === "output" && file.name.endsWith(".wav")), fail);
}

async function showVoices(id, files, fail) {
  const list = byId("voices");
  const shown = files.map((file) => `${file.name} ${file.sha256}`).join();
  byId("result").hidden = files.length === 0;
  if (list.dataset.shown === `${id} ${shown}`) return;
  list.dataset.shown = `${id} ${shown}`;
  list.replaceChildren(...await Promise.all(files.map(async (file) => {
    const item = document.createElement("li");
    const audio = document.createElement("audio");
    audio.controls = true;
    audio.src = URL.createObjectURL(await fetchFile(id, file.name));
    audio.setAttribute("aria-label", file.name);
    item.append(audio, button(`${text("download")} ${file.name.split("/").pop()}`, () => save(id, file.name).catch(fail)));
    return item;
  })));
}

async function save(id, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await fetchFile(id, name));
  link.download = name.split("/").pop();
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export function cell(content) {
  const element = document.createElement("td");
  element.append(content);
  return element;
}

export function button(label, action) {
  const element = document.createElement("button");
  element.type = "button";
  element.textContent = label;
  element.addEventListener("click", action);
  return element;
}

function bytes(size) {
  return size < 1e6 ? `${(size / 1e3).toFixed(1)} kB` : `${(size / 1e6).toFixed(1)} MB`;
}
