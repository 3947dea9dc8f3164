// Long texts: spoken in the background by a voice of the library, a file a chapter, with subtitles.

import { save } from "../api/http.js";
import { Action } from "../parts/action.js";
import { html, useEffect, useRef, useState } from "../parts/html.js";
import { bookPath, books, changeBooks, isUnderWay, leaveBooks, readBooks } from "../state/books.js";
import { useStore } from "../state/store.js";
import { Sentence } from "../words/said.js";
import { duration, inWords, t } from "../words/words.js";
import { Listen } from "./listen.js";

const FORMATS = ["mp3", "opus", "flac", "wav"];

/** @param {{voices: any[]}} props those that speak */
export function Books({ voices }) {
  const { rows, error } = useStore(books);
  const [wish, put] = useState({ title: "", input: "", voice: "", format: "mp3" });
  const file = useRef(/** @type {any} */ (null));
  useEffect(() => { readBooks(); return leaveBooks; }, []);
  const change = (/** @type {Record<string, string>} */ part) => put((old) => ({ ...old, ...part }));
  const read = async (/** @type {any} */ event) => {
    const [chosen] = event.target.files;
    event.target.value = "";
    if (chosen) change({ input: await chosen.text(), title: wish.title || chosen.name.replace(/\.\w+$/, "") });
  };
  const start = async () => {
    await changeBooks("POST", "/books", { title: wish.title.trim(), input: wish.input, voice: wish.voice || voices[0].name, response_format: wish.format });
    change({ input: "", title: "" });
  };
  const why = !wish.title.trim() ? t("nameMissing") : !wish.input.trim() ? t("whyNoText") : "";
  return html`<div class="panel" id="books"><h2>${t("books")}</h2><p class="dim small">${t("booksWords")}</p>
    ${voices.length ? html`<label for="book-text" class="unseen">${t("textToSpeak")}</label>
    <textarea id="book-text" rows="5" placeholder=${t("bookExample")} value=${wish.input} onInput=${(/** @type {any} */ event) => change({ input: event.target.value })}></textarea>
    <div class="fields"><label>${t("title")}<input id="book-title" maxlength="300" value=${wish.title} onInput=${(/** @type {any} */ event) => change({ title: event.target.value })} /></label>
      <label>${t("voice")}<select value=${wish.voice || voices[0].name} onChange=${(/** @type {any} */ event) => change({ voice: event.target.value })}>${voices.map((row) => html`<option value=${row.name}>${row.name}</option>`)}</select></label>
      <label>${t("format")}<select value=${wish.format} onChange=${(/** @type {any} */ event) => change({ format: event.target.value })}>${FORMATS.map((name) => html`<option value=${name}>${name}</option>`)}</select></label></div>
    <div class="row"><${Action} id="book-start" kind="primary" label=${t("bookStart")} run=${start} disabled=${Boolean(why)} why=${why} /><span class="grow"></span>
      <button type="button" onClick=${() => file.current.click()}>${t("bookFile")}</button><input ref=${file} id="book-file" type="file" accept=".txt,.md,.ssml" class="unseen" tabindex="-1" aria-label=${t("bookFile")} onChange=${read} /></div>` : null}
    ${error ? html`<p role="alert" class="said bad">${inWords(error)}</p>` : null}
    <ul class="plainlist">${(rows ?? []).map((/** @type {any} */ book) => html`<${Book} key=${book.book_id} book=${book} />`)}</ul></div>`;
}

function Book({ book }) {
  const id = book.book_id, over = book.state === "done";
  const firsts = book.chapters.map((/** @type {any} */ _, /** @type {number} */ index) => book.chapters.slice(0, index).reduce((/** @type {number} */ sum, /** @type {any} */ each) => sum + each.num_blocks, 0));
  const take = (/** @type {string} */ rest, /** @type {string} */ ending) => save(bookPath(id, rest), `${book.title}${ending}`);
  return html`<li data-book=${book.title}><div class="row"><strong>${book.title}</strong> <span class="dim small">${book.voice} · ${duration(book.sound_seconds)}</span>
      <span class=${`badge ${over ? "completed" : book.state}`} role="status">${t(`book.${book.state}`)}</span><span class="grow"></span>
      ${book.done_blocks ? html`<${Listen} book=${book} label=${book.title} />` : null}
      ${over ? html`<${Action} label=${`↓ ${book.format}`} ariaLabel=${`${t("download")}: ${book.title}`} run=${() => take("/audio", `.${book.format}`)} />` : null}
      ${book.done_blocks ? html`<${Action} label="↓ srt" ariaLabel=${`${t("subtitles")}: ${book.title}`} run=${() => take("/subtitles", ".srt")} />` : null}
      ${isUnderWay(book) ? html`<${Action} label=${t("cancel")} ariaLabel=${`${t("cancel")}: ${book.title}`} run=${() => changeBooks("POST", bookPath(id, "/cancel"))} />` : null}
      ${["failed", "cancelled"].includes(book.state) ? html`<${Action} label=${t("resume")} ariaLabel=${`${t("resume")}: ${book.title}`} run=${() => changeBooks("POST", bookPath(id, "/resume"))} />` : null}
      <${Action} kind="plain" label="✕" ariaLabel=${`${t("delete")}: ${book.title}`} run=${() => changeBooks("DELETE", bookPath(id))} /></div>
    ${isUnderWay(book) ? html`<progress max=${book.num_blocks || 1} value=${book.done_blocks} aria-label=${book.title} />` : null}
    ${book.problem ? html`<p class="error small"><${Sentence} said=${book.problem} /></p>` : null}
    ${book.left_out.length ? html`<p class="small">⚠ ${t("bookLeftOut", { words: book.left_out.slice(0, 5).join(" · ") })}</p>` : null}
    ${book.chapters.length > 1 ? html`<details><summary>${t("chapters", { n: book.chapters.length })}</summary><ol>${book.chapters.map((/** @type {any} */ chapter, /** @type {number} */ index) => html`<li>${firsts[index] < book.num_blocks && book.done_blocks ? html`<${Listen} book=${book} first=${firsts[index]} label=${`${book.title}, ${chapter.title || index + 1}`} small /> ` : null}${chapter.title || index + 1}
      ${chapter.is_done ? html` <${Action} kind="link" label=${`↓ ${book.format}`} ariaLabel=${`${t("download")}: ${book.title}, ${chapter.title || index + 1}`} run=${() => take(`/audio?chapter=${index + 1}`, `-${index + 1}.${book.format}`)} />
      <${Action} kind="link" label="srt" ariaLabel=${`${t("subtitles")}: ${book.title}, ${chapter.title || index + 1}`} run=${() => take(`/subtitles?chapter=${index + 1}`, `-${index + 1}.srt`)} />` : null}</li>`)}</ol></details>` : null}</li>`;
}
