// A field of a form, made from a row of GET /api/v1/options.

import { has, t } from "../words/words.js";
import { html } from "./html.js";

/** @param {{field: any, value: any, step: string, onChange: (value: any) => void, placeholder?: any}} props
 *  `value` undefined: the default holds */
export function Field({ field, value, step, onChange, placeholder }) {
  const key = `option.${field.name}`;
  const label = has(key) ? t(key) : field.name;
  const id = `${step}-${field.name}`;
  const words = has(`${key}.words`) ? t(`${key}.words`) : field.words;
  const shown = value ?? "";
  const common = { id, "aria-describedby": `${id}-words` };
  const isNumber = field.type === "integer" || field.type === "number";
  const set = (/** @type {any} */ event) => onChange(read(field, event.target));
  let input;
  if (field.type === "boolean") {
    input = html`<input type="checkbox" ...${common} checked=${value ?? field.default ?? false} onChange=${set} />`;
  } else if (field.choices.length && !isNumber) {
    input = html`<select ...${common} value=${value ?? field.default ?? ""} onChange=${set}>
      ${field.optional ? html`<option value="">${t("byDefault")}</option>` : null}
      ${field.choices.map((/** @type {string} */ choice) => html`<option value=${choice}>${choice}</option>`)}</select>`;
  } else {
    input = html`<input ...${common} type=${isNumber && !field.choices.length ? "number" : "text"} value=${shown}
      inputmode=${isNumber ? "decimal" : "text"} step=${field.type === "integer" ? 1 : "any"}
      min=${field.minimum ?? undefined} max=${field.maximum ?? undefined} maxlength=${field.max_length ?? undefined}
      placeholder=${String(placeholder ?? field.default ?? t("byDefault"))} list=${field.choices.length ? `${id}-list` : undefined} onChange=${set} />
      ${field.choices.length ? html`<datalist id=${`${id}-list`}>${field.choices.map((/** @type {string} */ choice) => html`<option value=${choice} />`)}</datalist>` : null}`;
  }
  return html`<div class="field"><label for=${id}>${label} <code>${field.name}</code></label>${input}
    <small id=${`${id}-words`}>${words} ${limits(field)}</small></div>`;
}

/** @param {any} field @param {HTMLInputElement} input */
function read(field, input) {
  if (field.type === "boolean") return input.checked === (field.default ?? false) ? undefined : input.checked;
  if (input.value === "") return undefined;
  if (field.choices.includes(input.value)) return input.value;
  return field.type === "integer" || field.type === "number" ? Number(input.value) : input.value;
}

/** @param {any} field */
function limits(field) {
  const low = field.minimum ?? field.above, high = field.maximum ?? field.below;
  if (low === null && high === null) return "";
  return `(${low ?? "…"} – ${high ?? "…"})`;
}

/** Fields of a step that people set; all of them, without the two that every step has.
 * @param {{rows: any[], step: string, values: Record<string, any>, onChange: (values: Record<string, any>) => void, hide?: string[]}} props */
export function Fields({ rows, step, values, onChange, hide = [] }) {
  const shown = rows.filter((row) => !["enabled", "force", ...hide].includes(row.name));
  return html`<div class="fields">${shown.map((field) => html`<${Field} key=${field.name} field=${field} step=${step}
    value=${values[field.name]} onChange=${(/** @type {any} */ value) => {
      const next = { ...values, [field.name]: value };
      if (value === undefined) delete next[field.name];
      onChange(next);
    }} />`)}</div>`;
}
