// Corrections of transcripts. What is typed is kept in this browser until the service has it, so a
// reload or a lost connection loses nothing; what was saved can be taken back.

import { call, get, taskPath } from "../api/http.js";
import { whenBack } from "./connection.js";
import { isBusy } from "./service.js";
import { Store } from "./store.js";
import { open, putRows, refresh } from "./task.js";

const MOST_UNDO = 200;
const AGAIN_MS = 1000;
const FIELDS = ["text", "language", "include"];

/** `drafts` and `errors` by clip; `theirs`: what somebody else wrote meanwhile, by clip;
 * `undo`: groups of {clip, before}, or a cut with the pieces that take it back. */
export const edits = new Store({ task: "", drafts: {}, errors: {}, theirs: {}, saving: 0, undo: [] });

/** @param {string} task */
export function begin(task) {
  if (edits.value.task === task) return;
  edits.set({ task, drafts: load(`drafts:${task}`, {}), errors: {}, theirs: {}, undo: load(`undo:${task}`, []) });
  for (const clip of Object.keys(edits.value.drafts)) if (rowOf(clip)?.text === edits.value.drafts[clip]) draft(clip, null);
}

/** @param {string} key @param {any} otherwise */
function load(key, otherwise) {
  try { return JSON.parse(localStorage.getItem(key) ?? "null") ?? otherwise; } catch { return otherwise; }
}

function keep() {
  const { task, drafts, undo } = edits.value;
  try {
    localStorage.setItem(`drafts:${task}`, JSON.stringify(drafts));
    localStorage.setItem(`undo:${task}`, JSON.stringify(undo));
  } catch { /* a full store: what is saved is with the service all the same */ }
}

/** @param {string} clip */
const rowOf = (clip) => open.value.transcripts.find((/** @type {any} */ row) => row.clip === clip);

/** @param {string} clip @param {string | null} text null: nothing unsaved */
export function draft(clip, text) {
  edits.set((old) => ({ drafts: without(old.drafts, clip, text) }));
  keep();
}

/** @param {Record<string, any>} table @param {string} key @param {any} value */
function without(table, key, value) {
  const { [key]: _, ...rest } = table;
  return value === null ? rest : { ...rest, [key]: value };
}

/** Mine or theirs: no conflict any more. @param {string} clip */
export function decide(clip) {
  edits.set((old) => ({ theirs: without(old.theirs, clip, null), errors: without(old.errors, clip, null) }));
}

export const oneLine = (/** @type {string} */ text) => text.replace(/\s+/g, " ").trim();

// One after the other: the second edit of a row needs the etag that the first one gives.
let last = Promise.resolve();

/** @param {string} clip @param {Record<string, any>} change */
export function save(clip, change, isUndo = false) {
  edits.set((old) => ({ saving: old.saving + 1 }));
  last = last.then(() => put(clip, change, isUndo)).finally(() => edits.set((old) => ({ saving: old.saving - 1 })));
  return last;
}

/** @param {string} clip @param {Record<string, any>} change @param {boolean} isUndo @returns {Promise<void>} */
async function put(clip, change, isUndo) {
  const task = edits.value.task, row = rowOf(clip);
  if (!row || FIELDS.every((name) => !(name in change) || change[name] === row[name])) return draft(clip, null);
  // Somebody else's words stand there: a person decides, not a save that was on its way.
  if (clip in edits.value.theirs && "text" in change) return undefined;
  const path = taskPath(task, `/transcripts/${encodeURIComponent(clip)}`);
  try {
    const saved = await call("PUT", path, change, { "If-Match": row.etag });
    if (!isUndo) remember([{ clip, before: pick(row) }]);
    putRows([saved]);
    if ("text" in change) draft(clip, null);
    edits.set((old) => ({ errors: without(old.errors, clip, null), theirs: without(old.theirs, clip, null) }));
  } catch (/** @type {any} */ error) {
    if ("text" in change && !isUndo) draft(clip, change.text);
    edits.set((old) => ({ errors: without(old.errors, clip, error) }));
    if (error.status === 0 || error.status === 503 || error.code === "task_busy") {
      again(task, () => { save(clip, change, isUndo); });
    } else if (error.code === "conflict") {
      const theirs = await get(path).catch(() => null);
      if (!theirs) return;
      putRows([theirs]);
      edits.set((old) => ({ theirs: without(old.theirs, clip, theirs.text) }));
    }
  }
}

/** Later, once the service is there and the task does not run: what runs reads the texts.
 * @param {string} task @param {() => void} then */
async function again(task, then) {
  do {
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    await whenBack();
    if (edits.value.task !== task || open.value.id !== task) return;
  } while (isBusy(open.value.task));
  then();
}

const pick = (/** @type {any} */ row) => Object.fromEntries(FIELDS.map((name) => [name, row[name]]));

/** @param {any} group */
export function remember(group) {
  edits.set((old) => ({ undo: [...old.undo, group].slice(-MOST_UNDO) }));
  keep();
}

/** Takes the last change back; answers with the clip it was about. */
export async function undo() {
  const group = edits.value.undo[edits.value.undo.length - 1];
  if (!group) return null;
  edits.set((old) => ({ undo: old.undo.slice(0, -1) }));
  keep();
  try {
    if (group.cut) {
      const { clips } = await call("POST", taskPath(edits.value.task, "/cuts"), { clips: group.cut, pieces: group.pieces });
      refresh(["transcripts", "task"]);
      return clips[0];
    }
    if (group.length === 1) await save(group[0].clip, group[0].before, true);
    else await putAll(group.map((/** @type {any} */ row) => ({ clip: row.clip, ...row.before })));
  } catch (error) {
    remember(group); // it was not taken back, so it still can be
    throw error;
  }
  return group[0].clip;
}

/** @param {any[]} rows of the changes */
async function putAll(rows) {
  const answer = await call("PUT", taskPath(edits.value.task, "/transcripts"), { transcripts: rows });
  putRows(answer.transcripts);
}

/** Clips whose text the replacement would change. @param {string} wanted @param {string} instead */
export function replacements(wanted, instead) {
  if (!wanted) return [];
  return open.value.transcripts.flatMap((/** @type {any} */ row) => {
    const text = oneLine(row.text.split(wanted).join(instead));
    return text === row.text ? [] : [{ clip: row.clip, text, before: row }];
  });
}

/** @param {string} wanted @param {string} instead */
export async function replaceAll(wanted, instead) {
  const found = replacements(wanted, instead);
  if (found.length) await putAll(found.map(({ clip, text }) => ({ clip, text })));
  if (found.length) remember(found.map(({ clip, before }) => ({ clip, before: pick(before) })));
  return found.length;
}
