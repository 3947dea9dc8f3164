// The library: voices that are kept with a name and versions, whether they were trained here or not.

import { call, get, sendForm } from "../api/http.js";
import { Store } from "./store.js";

export const library = new Store({ voices: null, error: null });

export async function readVoices() {
  try {
    library.set({ voices: (await get("/voices")).voices, error: null });
  } catch (error) {
    library.set({ error });
  }
}

/** @param {string} name */
export const voicePath = (name, rest = "") => `/voices/${encodeURIComponent(name)}${rest}`;

/** @param {string} name @returns {Promise<any[]>} newest first */
export const versionsOf = async (name) => (await get(voicePath(name, "/versions"))).versions.reverse();

/** Changes a voice and reads all of them anew. @param {string} method @param {string} path @param {any} [body] */
export async function change(method, path, body) {
  const answer = await call(method, path, body);
  await readVoices();
  return answer;
}

/** @type {[RegExp, string][]} */
const KINDS = [[/\.zip$/i, "archive"], [/\.(ckpt|pth|safetensors)$/i, "weights"]];

/** @param {string} name of a file */
export const kindOf = (name) => KINDS.find(([ending]) => ending.test(name))?.[1] ?? "recording";

/**
 * What a set of files would become, or what it lacks: a key of the page's words.
 * @param {string[]} names @param {boolean} adds to a voice that is there
 * @returns {{kind: "archive" | "trained" | "clone" | "moods" | "", lacks: string}}
 */
export function whatTheyAre(names, adds = false) {
  const count = (/** @type {string} */ kind) => names.filter((name) => kindOf(name) === kind).length;
  const [archives, weights, recordings] = ["archive", "weights", "recording"].map(count);
  if (!names.length) return { kind: "", lacks: "import.nothing" };
  if (archives) return { kind: "archive", lacks: names.length > 1 ? "import.archiveAlone" : "" };
  if (!weights) return { kind: adds ? "moods" : "clone", lacks: "" };
  const own = names.filter((name) => kindOf(name) === "weights").every((name) => /\.safetensors$/i.test(name));
  return { kind: "trained", lacks: weights !== 2 ? "import.twoWeights" : recordings || own ? "" : "import.noRecording" };
}

/**
 * Keeps a voice that files bring, or with `voice` its next version.
 * @param {File[]} files @param {Record<string, any>} said fields of the form; those without a value are left out
 * @param {string} voice @param {(share: number) => void} onProgress
 */
export async function keepFiles(files, said, voice, onProgress) {
  const form = new FormData();
  for (const [name, value] of Object.entries(said)) {
    if (value !== "" && value !== undefined) form.append(name, typeof value === "string" ? value : JSON.stringify(value));
  }
  for (const file of files) form.append("file", file);
  const answer = await sendForm(voice ? voicePath(voice, "/versions") : "/voices", form, onProgress);
  await readVoices();
  return answer;
}
