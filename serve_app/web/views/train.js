// 3: how it is trained, what will really happen, and the curves while it does.

import { get, taskPath } from "../api/http.js";
import { Action } from "../parts/action.js";
import { Fields } from "../parts/field.js";
import { html, useEffect, useState } from "../parts/html.js";
import { Plot } from "../parts/plot.js";
import { voiceLink } from "../state/route.js";
import { isBusy, service } from "../state/service.js";
import { useStore } from "../state/store.js";
import { mayTell } from "../state/title.js";
import { open, run } from "../state/task.js";
import { Sentence, inOwnWords } from "../words/said.js";
import { bytes, duration, language, ownWords, stepName, t } from "../words/words.js";
import { Leaderboard } from "./leaderboard.js";
import { Stages } from "./stages.js";

const TRAININGS = ["train_sovits", "train_gpt"];
/** @type {Record<string, Record<string, Record<string, any>>>} by family of the base */
const PRESETS = {
  mini: { standard: {}, quick: { train_sovits: { max_steps: 80 }, train_gpt: { max_steps: 40 } } },
  gpt_sovits: {
    standard: {},
    original: { train_sovits: { epochs: 8 }, train_gpt: { epochs: 15 } },
    quick: { train_sovits: { epochs: 2 }, train_gpt: { epochs: 4 } },
  },
};
const CURVES_FIRST = 4;
// What a plan depends on, and asks for by these names.
const OF_THE_PLAN = ["epochs", "batch_size", "max_steps", "micro_batch_size", "if_grad_ckpt", "if_dpo"];

export function Train() {
  const { id, task, steps, transcripts } = useStore(open);
  const { options } = useStore(service);
  const [plan, setPlan] = useState(/** @type {any} */ (null));
  const [params, setParams] = useState(/** @type {Record<string, any>} */ ({}));
  const query = new URLSearchParams(TRAININGS.flatMap((step) => OF_THE_PLAN.flatMap((name) =>
    (params[step]?.[name] ? [[`${step === "train_sovits" ? "sovits" : "gpt"}_${name}`, String(params[step][name])]] : []))));
  useEffect(() => {
    const stop = new AbortController();
    get(taskPath(id, `/plan?${query}`), stop.signal).then(setPlan, () => {});
    return () => stop.abort();
  }, [id, String(query), transcripts.length, task.status, task.current_step]);
  const busy = isBusy(task);
  const presets = PRESETS[plan?.base_model?.name === "mini" ? "mini" : "gpt_sovits"];
  const preset = Object.keys(presets).find((name) => JSON.stringify(presets[name]) === JSON.stringify(params)) ?? "";
  const done = steps.find((/** @type {any} */ step) => step.step === "test_inference" && step.state === "completed");
  const start = async () => {
    mayTell();
    // Named steps are done again even where they are done; the others only if something is left.
    const named = Object.fromEntries(TRAININGS.map((step) => [step, params[step] ?? {}]));
    const answer = await run({ params: named });
    return await inOwnWords(answer.warnings) || t("trainStarted", { n: answer.steps.length });
  };
  const why = busy ? t("whyBusy") : !transcripts.length ? t("whyNoClips") : plan?.problem ? ownWords(plan.problem) ?? plan.problem : "";
  return html`<div class="panel" id="plan-panel"><h2>${t("howToTrain")}</h2>
      <div class="row" role="group" aria-label=${t("presets")}>${Object.keys(presets).map((name) => html`<button type="button" class="chip" aria-pressed=${preset === name} onClick=${() => setParams(presets[name])}>${t(`preset.${name}`)}</button>`)}</div>
      <details><summary>${t("advanced")}</summary>${TRAININGS.map((step) => html`<fieldset><legend>${stepName(step)}</legend>
        <${Fields} rows=${options?.steps[step] ?? []} step=${step} values=${params[step] ?? {}} onChange=${(/** @type {any} */ values) => {
          const next = { ...params, [step]: values };
          if (!Object.keys(values).length) delete next[step];
          setParams(next);
        }} /></fieldset>`)}</details>
      <${Plan} plan=${plan} steps=${steps} />
      <div class="row"><${Action} id="train" kind="primary" label=${t(done ? "trainAgain" : "train")} run=${start} disabled=${Boolean(why)} why=${why} />
        ${done && !busy ? html`<a class="button" id="to-speak" href=${voiceLink(id, "speak")}>${t("toSpeak")} →</a>` : null}</div></div>
    <${Stages} />
    <${Leaderboard} />
    <${CurvesPanel} />`;
}

// What will really be done, which is not always what was asked for.
function Plan({ plan, steps }) {
  if (!plan) return null;
  const base = plan.base_model;
  const took = TRAININGS.map((name) => steps.find((/** @type {any} */ step) => step.step === name && step.state === "completed"))
    .filter(Boolean).map((step) => (Date.parse(step.finished_at) - Date.parse(step.started_at)) / 1000);
  return html`<div class="plan" id="plan"><h3>${t("whatHappens")}</h3><ul>
    ${base ? html`<li><strong>${base.name}</strong>: <span title=${ownWords(base.reason) ?? ""}>${t(`base.${base.name}`)}</span></li>` : html`<li class="error"><${Sentence} said=${plan.problem} /></li>`}
    <li>${t("plan.clips", { clips: plan.clips, length: plan.seconds === null ? "–" : duration(plan.seconds) })}</li>
    ${plan.trainings.map((/** @type {any} */ row) => html`<li>${stepName(row.step)}: ${t(row.steps_at_most ? "plan.steps" : "plan.epochs", { epochs: row.epochs, batch: row.batch_size, steps: row.steps_at_most })}
      ${row.batch_reasons.length ? html` <em>${t("plan.batch", { asked: row.asked_batch_size, why: row.batch_reasons.map((/** @type {string} */ why) => t(`plan.why.${why}`)).join(language() === "zh" ? "，" : ", ") })}</em>` : null}
      ${row.memory ? html` <span class="dim small">${t("plan.memory", { peak: row.memory.peak_gb.toFixed(1), usable: row.memory.usable_gb.toFixed(1) })}</span>` : null}
      ${(row.memory?.warnings ?? []).map((/** @type {string} */ said) => html`<p class="small">⚠ <${Sentence} said=${said} /></p>`)}
      ${row.epochs !== row.asked_epochs ? html` <em>${t("plan.asked", { asked: row.asked_epochs, epochs: row.epochs, base: base?.name })}</em>` : null}</li>`)}
    <li>${took.length === 2 ? t("plan.took", { length: duration(took[0] + took[1]) }) : base?.name === "mini" ? t("plan.miniTime") : t("plan.noTime")}</li>
    <li>${t("plan.disk", { free: bytes(plan.free_bytes) })}</li>
    <li>${t("plan.left", { n: plan.left_steps.length, steps: plan.left_steps.map(stepName).join(language() === "zh" ? "、" : ", ") || "–" })}</li></ul></div>`;
}

function CurvesPanel() {
  const drawn = useStore(open, (value) => value.drawn);
  const curves = useStore(open, (value) => value.curves);
  const [all, showAll] = useState(false);
  const names = [...curves.metrics.keys()].sort(byWeight);
  if (!names.length) return null;
  return html`<div class="panel" id="curves-panel"><h2>${t("curves")}</h2><p class="dim small">${t("curvesWords")}</p>
    <div class="plots">${names.slice(0, all ? names.length : CURVES_FIRST).map((name) => {
      const { attempts, data } = curves.table(name);
      return html`<${Plot} key=${name} title=${name} data=${data} stamp=${`${drawn} ${data[0].length}`} xLabel=${t("step")} labels=${attempts.map((attempt) => t("attempt", { n: attempt }))} />`;
    })}</div>
    ${names.length > CURVES_FIRST ? html`<button type="button" onClick=${() => showAll(!all)}>${t(all ? "fewer" : "more", { n: names.length - CURVES_FIRST })}</button>` : null}</div>`;
}

// What tells most stands first: held-out numbers, then totals, then the rest.
const WEIGHTS = [/held|valid|eval/, /accuracy|top_3/, /loss_mel|total|^gpt\/loss$/, /loss/];

/** @param {string} a @param {string} b */
function byWeight(a, b) {
  const weigh = (/** @type {string} */ name) => (WEIGHTS.findIndex((words) => words.test(name)) + 1) || WEIGHTS.length + 1;
  return weigh(a) - weigh(b) || (a < b ? -1 : 1);
}
