// Pictures on buttons that have no words.

import { html } from "./html.js";

/** @type {Record<string, string>} */
const PATHS = {
  bin: "M4 6h12M8 6V4h4v2M6 6l.7 10h6.6L14 6M8.5 9v4.5M11.5 9v4.5",
  off: "M10 3v7M6 5.5a6.5 6.5 0 1 0 8 0",
  pen: "M4 16l1-4 8-8 3 3-8 8-4 1zM11.5 5.5l3 3",
};

/** @param {{name: string}} props */
export const Icon = ({ name }) => html`<svg class="icon" viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" focusable="false"><path d=${PATHS[name]} fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" /></svg>`;
