// Where only the small bases are: what that means, and a button that fetches a large one.

import { Action } from "../parts/action.js";
import { html, useEffect } from "../parts/html.js";
import { models, pull, readModels, stopPull } from "../state/models.js";
import { useStore } from "../state/store.js";
import { Sentence } from "../words/said.js";
import { bytes, t } from "../words/words.js";

const BEST = "v2ProPlus";

export function SmallBase({ capabilities }) {
  const { rows } = useStore(models);
  const big = capabilities?.base_models.some((/** @type {any} */ base) => base.needs_download && base.present);
  useEffect(() => { if (capabilities && !big) readModels(); }, [capabilities, big]);
  if (!capabilities || big) return null;
  const best = rows?.find((/** @type {any} */ row) => row.name === BEST);
  const wanted = best ? [best, ...rows.filter((/** @type {any} */ row) => best.companions.includes(row.name) && row.missing.length)] : [];
  const busy = wanted.filter((row) => ["queued", "running"].includes(row.download?.state));
  const failed = wanted.find((row) => row.download?.state === "failed");
  return html`<div id="small-base" class="banner"><p>${t("smallBase")}</p>
    ${best && !busy.length ? html`<div class="row"><${Action} id="pull" label=${t("pull", { name: BEST, size: bytes(wanted.reduce((sum, row) => sum + row.about_bytes, 0)) })} run=${() => pull(BEST)} />
      <span class="dim small">${t("licence")}: <span lang="en">${[...new Set(wanted.map((row) => row.licence))].join("; ")}</span></span></div>` : null}
    ${busy.map((row) => html`<div key=${row.name} class="row"><span>${row.name}</span> <${Progress} row=${row} /> <${Action} label=${t("cancel")} ariaLabel=${`${t("cancel")}: ${row.name}`} run=${() => stopPull(row.name)} /></div>`)}
    ${failed ? html`<p role="alert" class="said bad"><${Sentence} said=${failed.download.problem} /></p>` : null}</div>`;
}

function Progress({ row }) {
  const { state, number, num_files: files, done_bytes: done, file_bytes: size, file } = row.download;
  const share = files ? (number - 1 + (size ? done / size : 0)) / files : 0;
  return html`<span class="grow"><progress max="1" value=${Math.max(0, share)} aria-label=${row.name} />
    <small class="dim" role="status">${state === "queued" ? t("state.queued") : `${number}/${files} ${file} · ${bytes(done)}${size ? ` / ${bytes(size)}` : ""}`}</small></span>`;
}
