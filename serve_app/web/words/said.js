// Sentences of steps: their warnings, reasons, what they do. The service stores them in English; in
// another language they are known by their form, as said.LANGUAGE.json has it: {holes} are what the
// sentence is about, and a {!hole} is a sentence of its own. What is not known stays English, marked
// as such. tests/serve_app/test_web_said.py holds the forms to the sentences that the code says.

import { html, useEffect, useState } from "../parts/html.js";
import { fill, language } from "./words.js";

/** @typedef {{form: RegExp, holes: string[], own: string}} Form */
/** @type {Record<string, Form[]>} */
const tables = {};

/** @param {Record<string, string>} rows @returns {Form[]} the longest form first: it says most */
export function formsOf(rows) {
  return Object.entries(rows).sort(([a], [b]) => fixed(b) - fixed(a)).map(([sentence, own]) => {
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

/** The sentence in words of `forms`; null: none of them is it. @param {Form[]} forms @param {string} sentence
 * @returns {string | null} */
export function inFormsOf(forms, sentence) {
  for (const { form, holes, own } of forms) {
    const found = form.exec(sentence);
    if (!found) continue;
    /** @type {Record<string, string>} */
    const facts = {};
    let known = true;
    for (const [index, hole] of holes.entries()) {
      const value = found[index + 1];
      const inner = hole.startsWith("!") ? inFormsOf(forms, value) ?? inFormsOf(forms, value.replace(/\.$/, "")) : value;
      if (inner === null) known = false;
      else facts[hole.replace("!", "")] = inner;
    }
    if (known) return fill(own, facts);
  }
  return null;
}

async function load() {
  const code = language();
  if (code !== "en") tables[code] ??= formsOf(await (await fetch(`/web/words/said.${code}.json`)).json());
}

/** A sentence of the service's in the language of the page.
 * @param {{said: string}} props */
export function Sentence({ said }) {
  const [, draw] = useState(0);
  const code = language();
  useEffect(() => { if (code !== "en" && !tables[code]) load().then(() => draw(1), () => {}); }, [code]);
  if (code === "en") return said;
  const own = tables[code] && inFormsOf(tables[code], said);
  return own ? html`<span>${own}</span>` : html`<span lang="en">${said}</span>`;
}

/** The same for a message beside a button: a list of sentences. @param {string[]} sentences */
export async function inOwnWords(sentences) {
  await load().catch(() => {});
  return sentences.map((said) => inFormsOf(tables[language()] ?? [], said) ?? said).join(" ");
}
