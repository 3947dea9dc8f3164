// 2: what is said in each clip and how good it is, the worst first; made for the keyboard.

import { call, save as download, taskPath } from "../api/http.js";
import { Action } from "../parts/action.js";
import { Dialog } from "../parts/dialog.js";
import { html, useEffect, useMemo, useRef, useState } from "../parts/html.js";
import { voiceLink } from "../state/route.js";
import { begin, edits, save, undo } from "../state/edits.js";
import { useStore } from "../state/store.js";
import { open, readReport, refresh } from "../state/task.js";
import { inWords, t } from "../words/words.js";
import { wordsOf } from "../words/report.js";
import { CutsWaiting } from "./cutting.js";
import { Replace } from "./replace.js";
import { ReviewRow } from "./review_row.js";
import { Summary } from "./summary.js";

const ROWS = 120;
/** @type {Record<string, number>} */
const RANK = { bad: 0, check: 1, good: 2 };
/** @type {Record<string, (row: any) => boolean>} */
const FILTERS = {
  all: () => true,
  doubtful: ({ clip }) => clip && clip.verdict !== "good",
  unread: ({ row }) => row.source !== "user" && row.include,
  edited: ({ row }) => row.source === "user",
  unused: ({ row, clip }) => !row.include || (clip && !clip.used),
};
const KEYS = [["Enter", "key.enter"], ["Esc", "key.escape"], ["↑ ↓ · j k", "key.move"], ["Space · Alt+P", "key.play"],
  ["x · Alt+X", "key.exclude"], ["e", "key.edit"], ["u · Ctrl+Z", "key.undo"], ["/", "key.search"], ["?", "key.help"]];

export function Review() {
  const { id, transcripts, report, reportState, reportError } = useStore(open);
  const { undo: undoable, saving } = useStore(edits);
  const [words, setWords] = useState(/** @type {any} */ (null));
  const [filter, setFilter] = useState("all");
  const [wanted, want] = useState("");
  const [selected, select] = useState(/** @type {string | null} */ (null));
  const [editing, edit] = useState(false);
  const [shown, show] = useState("");
  const [most, more] = useState(ROWS);
  const controls = useRef(/** @type {any} */ (null));
  useEffect(() => begin(id), [id]);
  useEffect(() => { if (transcripts.length) readReport(); }, [id, transcripts.length > 0]);
  const language = document.documentElement.lang;
  useEffect(() => { if (report) wordsOf(report).then(setWords); }, [report, language]);
  const by = useMemo(() => new Map((report?.clips ?? []).map((/** @type {any} */ clip) => [clip.clip, clip])), [report]);
  const rows = transcripts.map((/** @type {any} */ row) => ({ row, clip: by.get(row.clip) }));
  // The order is made when a filter or the first report comes, not by each edit: no row jumps away.
  const order = useMemo(() => rows.filter((/** @type {any} */ each) => FILTERS[filter](each) && matches(each, wanted))
    .sort((/** @type {any} */ a, /** @type {any} */ b) => rank(a) - rank(b) || (a.row.clip < b.row.clip ? -1 : 1))
    .map((/** @type {any} */ each) => each.row.clip), [filter, wanted, Boolean(report), transcripts.map((/** @type {any} */ row) => row.clip).join("\n")]);
  const named = new Map(rows.map((/** @type {any} */ each) => [each.row.clip, each]));
  const visible = order.filter((/** @type {string} */ clip) => named.has(clip));
  const move = (/** @type {number} */ by, /** @type {boolean} */ edits) => {
    const at = selected === null ? -1 : visible.indexOf(selected);
    const next = visible[Math.max(0, Math.min(visible.length - 1, at + by))];
    if (next === undefined) return;
    if (visible.indexOf(next) >= most) more(most + ROWS);
    select(next);
    edit(edits && next !== selected);
  };
  const takeBack = async () => {
    const clip = await undo();
    if (clip) select(clip);
  };
  // Keys work wherever the focus is in this view, also before anything has it.
  const keys = useRef(/** @type {any} */ (null));
  keys.current = (/** @type {KeyboardEvent} */ event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.isComposing || target.closest("dialog, select, .wave input")) return;
    const typing = target.matches("textarea, input:not([type=checkbox])");
    const act = KEY_ACTIONS[keyOf(event, typing)];
    if (!act || (target.matches("button, a, summary, input") && [" ", "Enter"].includes(event.key))) return;
    event.preventDefault();
    act({ move, edit, show, takeBack, selected, row: selected ? named.get(selected)?.row : null, controls });
  };
  useEffect(() => {
    const listen = (/** @type {KeyboardEvent} */ event) => keys.current(event);
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, []);
  if (!transcripts.length) return html`<div class="panel"><p>${t("noClips")}</p><p><a class="button" href=${voiceLink(id, "recordings")}>← ${t("section.recordings")}</a></p></div>`;
  return html`<div class="review">
    <${Summary} report=${report} words=${words} state=${reportState} error=${reportError} onFilter=${setFilter} />
    <${CutsWaiting} />
    <div class="row tools">${Object.keys(FILTERS).map((name) => html`<button type="button" class="chip" aria-pressed=${filter === name} onClick=${() => setFilter(name)}>
        ${t(`filter.${name}`)} <small>${rows.filter(FILTERS[name]).length}</small></button>`)}
      <label class="inline"><span class="unseen">${t("search")}</span><input id="find" type="search" placeholder=${t("search")} value=${wanted} onInput=${(/** @type {any} */ event) => want(event.target.value)} /></label>
      <span class="grow"></span>
      <${Action} label=${`↶ ${t("undo")}`} disabled=${!undoable.length} run=${takeBack} />
      <button type="button" onClick=${() => show("replace")}>${t("replace")}</button>
      <button type="button" aria-label=${t("key.help")} onClick=${() => show("keys")}>?</button></div>
    <ol class="clips" aria-label=${t("clips")}>${visible.slice(0, most).map((/** @type {string} */ clip) => html`<${ReviewRow} key=${clip} task=${id} ...${named.get(clip)}
      words=${words} selected=${clip === selected} editing=${clip === selected && editing} controls=${clip === selected ? controls : null}
      onSelect=${(/** @type {boolean} */ edits) => { select(clip); edit(edits); }} onNext=${() => move(1, true)} onLeave=${() => edit(false)} onCut=${(/** @type {string} */ made) => { select(made); edit(false); }} />`)}</ol>
    ${visible.length > most ? html`<button type="button" onClick=${() => more(most + ROWS)}>${t("more", { n: visible.length - most })}</button>` : null}
    ${visible.length ? null : html`<p class="dim">${t("noneFound")}</p>`}
    <p class="row"><span class="dim" role="status" id="saving">${saving ? t("saving") : ""}</span><${Lists} id=${id} /><span class="grow"></span>
      <${Action} label=${t("measureAgain")} run=${readReport} /><a class="button primary" href=${voiceLink(id, "train")}>${t("toTrain")} →</a></p>
    ${shown === "keys" ? html`<${Dialog} title=${t("keys")} onClose=${() => show("")}><dl class="keys">${KEYS.map(([key, words]) => html`<dt><kbd>${key}</kbd></dt><dd>${t(words)}</dd>`)}</dl></${Dialog}>` : null}
    ${shown === "replace" ? html`<${Replace} onClose=${() => show("")} />` : null}
  </div>`;
}

/** @type {Record<string, (to: any) => void>} */
const KEY_ACTIONS = {
  down: ({ move }) => move(1, false), up: ({ move }) => move(-1, false), downEditing: ({ move }) => move(1, true), upEditing: ({ move }) => move(-1, true),
  edit: ({ edit, selected, move }) => (selected ? edit(true) : move(1, true)), play: ({ controls }) => controls.current?.toggle(),
  exclude: ({ row }) => row && save(row.clip, { include: !row.include }), undo: ({ takeBack }) => takeBack(), help: ({ show }) => show("keys"),
  search: () => document.getElementById("find")?.focus(),
};

/** @param {KeyboardEvent} event @param {boolean} typing */
function keyOf(event, typing) {
  if (event.altKey) return { p: "play", x: "exclude", ArrowDown: "downEditing", ArrowUp: "upEditing" }[event.key] ?? "";
  if (typing) return "";
  if ((event.ctrlKey || event.metaKey) && event.key === "z") return "undo";
  if (event.ctrlKey || event.metaKey) return "";
  return { ArrowDown: "down", j: "down", ArrowUp: "up", k: "up", Enter: "edit", e: "edit", " ": "play", p: "play", x: "exclude", u: "undo", "?": "help", "/": "search" }[event.key] ?? "";
}

/** @param {any} each */
const rank = ({ clip, row }) => (clip ? RANK[clip.verdict] : 1) + (row.include ? 0 : 3);

/** @param {any} each @param {string} wanted */
function matches({ row }, wanted) {
  return !wanted || `${row.text} ${row.clip}`.toLowerCase().includes(wanted.toLowerCase());
}

function Lists({ id }) {
  const input = useRef(/** @type {any} */ (null));
  const [said, say] = useState("");
  const take = async (/** @type {any} */ event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (!file) return;
    try {
      const { rows, changed, problems } = await call("PUT", taskPath(id, "/transcripts.list"), file);
      say([t("listTaken", { rows, changed }), ...problems].join(" · "));
      refresh(["transcripts", "task"]);
    } catch (error) { say(inWords(error)); }
  };
  return html`<${Action} label=${t("saveList")} run=${() => download(taskPath(id, "/transcripts.list"), "transcripts.list")} />
    <button type="button" onClick=${() => input.current.click()}>${t("loadList")}</button>
    <input ref=${input} type="file" accept=".list,.txt" class="unseen" tabindex="-1" aria-label=${t("loadList")} onChange=${take} />
    ${said ? html`<span role="status" class="said">${said}</span>` : null}`;
}

