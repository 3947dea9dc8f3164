// A modal window: the browser's own, which keeps the focus and closes on Escape.

import { t } from "../words/words.js";
import { html, useEffect, useRef } from "./html.js";

/** @param {{title: string, onClose: () => void, children?: any, wide?: boolean}} props */
export function Dialog({ title, onClose, children, wide = false }) {
  const box = useRef(/** @type {any} */ (null));
  useEffect(() => {
    box.current?.showModal();
    return () => box.current?.close();
  }, []);
  return html`<dialog ref=${box} class=${wide ? "wide" : ""} aria-label=${title} onCancel=${(/** @type {Event} */ event) => { event.preventDefault(); onClose(); }}>
    <header><h2>${title}</h2><button type="button" class="plain" aria-label=${t("close")} onClick=${onClose}>×</button></header>
    ${children}
  </dialog>`;
}
