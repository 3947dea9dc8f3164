// Sentences of the page in the language that is chosen. t(KEY, facts) fills {holes}.

import en from "./en.js";
import { fill, known, language } from "./forms.js";
import zh from "./zh.js";

export { fill, language };

/** @type {Record<string, Record<string, string>>} */
const TABLES = { en, zh };

/** @param {string} key @param {Record<string, any>} [facts] */
export function t(key, facts) {
  const sentence = TABLES[language()]?.[key] ?? en[key] ?? key;
  return facts ? fill(sentence, facts) : sentence;
}

/** @param {string} key */
export const has = (key) => key in (TABLES[language()] ?? en);

/** A sentence of the service in the language of the page; null: it is not known.
 * @param {string} sentence @returns {string | null} */
export const ownWords = (sentence) => known(sentence, nameOf);

/** Steps are called as the page calls them. @param {string} value */
const nameOf = (value) => value.split(", ").map((part) => (has(`step.${part}`) ? t(`step.${part}`) : part)).join("、");

// What tells programs which request to send next says nothing to people on the page.
const FOR_PROGRAMS = /\b(GET|POST|PUT|PATCH|DELETE) (\/|…|it |the )|\b(form )?field (named|name\b|[`"])|multipart|`from`|\bcanary_/;

/**
 * What a refusal means and what to do about it: the service's own sentences where this language
 * knows them, else by its code, with the service's sentence, which names the place, behind it.
 * @param {any} error
 */
export function inWords(error) {
  if (error?.status === undefined) return String(error?.message ?? error);
  if (!error.status) return t("error.unreachable");
  const hint = error.hint && !FOR_PROGRAMS.test(error.hint) ? ownWords(error.hint) : null;
  return [refusal(error), hint].filter(Boolean).join(language() === "zh" ? "" : " ");
}

/** @param {any} error @returns {string} */
function refusal(error) {
  const own = ownWords(error.message), key = `error.${error.code}`;
  if (own !== null || !has(key)) return own ?? error.message;
  const facts = { ...error.facts, steps: stepNames(error.facts.missing), step: stepName(error.facts.step) };
  return SAY_IT_ALL.has(error.code) ? t(key, facts) : `${t(key, facts)}（${error.message}）`;
}

// Of these the sentence by code says all that the service's own says.
const SAY_IT_ALL = new Set(["unauthorized", "task_busy", "unavailable", "step_not_ready"]);

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
