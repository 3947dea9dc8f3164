// Sentences of the page in the language that is chosen. t(KEY, facts) fills {holes}.

import { preferences } from "../state/preferences.js";
import en from "./en.js";
import zh from "./zh.js";

/** @type {Record<string, Record<string, string>>} */
const TABLES = { en, zh };

export const language = () => preferences.value.language;

/** @param {string} key @param {Record<string, any>} [facts] */
export function t(key, facts) {
  const sentence = TABLES[language()]?.[key] ?? en[key] ?? key;
  return facts ? fill(sentence, facts) : sentence;
}

/** @param {string} key */
export const has = (key) => key in (TABLES[language()] ?? en);

/** @param {string} sentence @param {Record<string, any>} facts */
export function fill(sentence, facts) {
  return sentence.replace(/{(\w+)}/g, (_, name) => String(facts[name] ?? ""));
}

/**
 * What a refusal means: by its code where this language has a sentence for it; the service's own
 * sentence, which names the place, is English and stands behind it.
 * @param {any} error
 */
export function inWords(error) {
  if (error?.status === undefined) return String(error?.message ?? error);
  const facts = { ...error.facts, steps: stepNames(error.facts.missing), step: stepName(error.facts.step) };
  const key = `error.${error.code}`;
  if (language() === "en") return [error.status ? error.message : t("error.unreachable"), error.hint].filter(Boolean).join(" ");
  if (!has(key)) return error.message;
  const own = t(key, facts);
  return SAY_IT_ALL.has(error.code) ? own : `${own}（${error.message}）`;
}

// Of these the sentence by code says all that the service's own says.
const SAY_IT_ALL = new Set(["unreachable", "unauthorized", "task_busy", "unavailable", "step_not_ready"]);

/** @param {string} [step] */
export const stepName = (step) => (step ? t(`step.${step}`) : "");

/** @param {string[]} [steps] */
function stepNames(steps) {
  return Array.isArray(steps) ? steps.map(stepName).join(language() === "zh" ? "、" : ", ") : "";
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 60) return t("seconds", { n: seconds < 10 ? seconds.toFixed(1) : Math.round(seconds) });
  const minutes = Math.floor(seconds / 60), rest = String(Math.round(seconds % 60)).padStart(2, "0");
  return t("minutes", { n: `${minutes}:${rest}` });
}

/** @param {number} size */
export function bytes(size) {
  if (size >= 1e9) return `${(size / 1e9).toFixed(1)} GB`;
  return size < 1e6 ? `${(size / 1e3).toFixed(0)} kB` : `${(size / 1e6).toFixed(1)} MB`;
}

/** @param {string} time */
export function when(time) {
  return new Date(time).toLocaleString(language() === "zh" ? "zh-CN" : "en-GB", { dateStyle: "medium", timeStyle: "short" });
}
