// The same request for a program.

import { Action } from "../parts/action.js";
import { html } from "../parts/html.js";
import { t } from "../words/words.js";

/** @param {{id: string, params: Record<string, any>}} props */
export function CopyAs({ id, params }) {
  const base = `${location.origin}/api/v1`;
  const body = JSON.stringify({ from: "test_inference", params: { test_inference: params } });
  const keyed = Boolean(sessionStorage.getItem("key"));
  /** @type {Record<string, string>} */
  const texts = {
    curl: `curl -X POST ${base}/task/${id}/run -H 'Content-Type: application/json'${keyed ? " -H \"Authorization: Bearer $GSV_API_KEY\"" : ""} \\\n  -d '${body.replace(/'/g, "'\\''")}'`,
    Python: `from serve_app.client import Client\n\nwith Client("${location.origin}"${keyed ? ", api_key=KEY" : ""}) as client:\n    client.run("${id}", start="test_inference", params={"test_inference": ${python(params)}})\n    client.wait("${id}", raise_on_failure=True)`,
  };
  return html`<span class="row tight">${t("copyAs")} ${Object.entries(texts).map(([name, text]) => html`<${Action} label=${name} done=${t("copied")} run=${() => navigator.clipboard.writeText(text)} />`)}</span>`;
}

/** A value as Python writes it. @param {any} value @returns {string} */
function python(value) {
  if (value && typeof value === "object") return `{${Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}: ${python(part)}`).join(", ")}}`;
  return typeof value === "boolean" ? (value ? "True" : "False") : JSON.stringify(value);
}
