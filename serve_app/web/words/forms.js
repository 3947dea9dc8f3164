// Sentences of the service in another language. It says them in English; they are known by their
// form, as said.LANGUAGE.json (what steps say) and refused.LANGUAGE.json (what errors say) have it:
// {holes} are what the sentence is about, and a {!hole} is a sentence of its own.
// tests/serve_app/test_web_said.py and test_web_refused.py hold the forms to the code.

import { preferences } from "../state/preferences.js";

/** @typedef {{form: RegExp, holes: string[], own: string}} Form */
/** @typedef {(value: string) => string} Naming */
/** @type {Record<string, Form[]>} */
const tables = {};

export const language = () => preferences.value.language;

/** @param {string} sentence @param {Record<string, any>} facts */
export function fill(sentence, facts) {
  return sentence.replace(/{(\w+)}/g, (_, name) => String(facts[name] ?? ""));
}

/** @param {Record<string, string>} rows @returns {Form[]} those first that begin with a word of
 * their own, and of these the longest: it says most */
export function formsOf(rows) {
  return Object.entries(rows)
    .sort(([a], [b]) => Number(a.startsWith("{")) - Number(b.startsWith("{")) || fixed(b) - fixed(a)).map(([sentence, own]) => {
    /** @type {string[]} */
    const holes = [];
    const form = sentence.split(/({!?\w+})/).map((part, index) => {
      if (index % 2 === 0) return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      holes.push(part.slice(1, -1));
      return "(.+?)";
    });
    return { form: new RegExp(`^${form.join("")}$`, "su"), holes, own };
  });
}

/** @param {string} sentence */
const fixed = (sentence) => sentence.replace(/{!?\w+}/g, "").length;

/** The sentence, or several of them, in words of `forms`; null: it is not known.
 * @param {Form[]} forms @param {string} sentence @param {Naming} naming what a fact is called
 * @returns {string | null} */
export function inFormsOf(forms, sentence, naming = (value) => value) {
  return severalOf(forms, sentence, naming) ?? oneOf(forms, sentence, naming);
}

/** @param {Form[]} forms @param {string} sentence @param {Naming} naming @returns {string | null} */
function oneOf(forms, sentence, naming) {
  for (const { form, holes, own } of forms) {
    const found = form.exec(sentence);
    if (!found) continue;
    /** @type {Record<string, string>} */
    const facts = {};
    let known = true;
    for (const [index, hole] of holes.entries()) {
      const value = found[index + 1];
      const inner = hole.startsWith("!") ? inFormsOf(forms, value, naming) ?? inFormsOf(forms, value.replace(/\.$/, ""), naming) : naming(value);
      if (inner === null) known = false;
      else facts[hole.replace("!", "")] = inner;
    }
    if (known) return fill(own, facts);
  }
  return null;
}

/** A message and its hint, say. @param {Form[]} forms @param {string} sentence @param {Naming} naming @returns {string | null} */
function severalOf(forms, sentence, naming) {
  for (const { index } of sentence.matchAll(/(?<=[.:)”]) (?=\S)/g)) {
    const first = oneOf(forms, sentence.slice(0, index), naming);
    const rest = first === null ? null : inFormsOf(forms, sentence.slice(index + 1), naming);
    if (rest !== null) return `${first}${rest}`;
  }
  return null;
}

/** Fetches what the language needs, once; views are drawn anew then. */
export async function loadForms() {
  const code = language();
  if (code === "en" || tables[code]) return;
  const rows = await Promise.all(["said", "refused"].map(async (name) => (await fetch(`/web/words/${name}.${code}.json`)).json()));
  tables[code] = formsOf(Object.assign({}, ...rows));
  preferences.set({});
}

/** A sentence of the service in the language of the page; null: there is none of it.
 * @param {string} sentence @param {Naming} [naming] */
export const known = (sentence, naming) => (language() === "en" ? sentence : inFormsOf(tables[language()] ?? [], sentence, naming));
