// Sentences of the service as views show them: in the language of the page where they are known,
// else in English and marked as such.

import { html } from "../parts/html.js";
import { preferences } from "../state/preferences.js";
import { useStore } from "../state/store.js";
import { language, loadForms } from "./forms.js";
import { ownWords } from "./words.js";

/** @param {{said: string}} props */
export function Sentence({ said }) {
  useStore(preferences); // drawn anew when the words are there
  if (language() === "en") return said;
  const own = ownWords(said);
  return own === null ? html`<span lang="en">${said}</span>` : html`<span>${own}</span>`;
}

/** The same for a message beside a button: a list of sentences. @param {string[]} sentences */
export async function inOwnWords(sentences) {
  await loadForms().catch(() => {});
  return sentences.map((said) => ownWords(said) ?? said).join(" ");
}
