// A button that does something that takes time: it waits while it is done, and says beside itself
// what came of it.

import { html, useEffect, useRef, useState } from "./html.js";
import { inWords, t } from "../words/words.js";

const SHOWN_MS = 6000;

/**
 * @param {{run: () => Promise<any>, label: any, kind?: string, disabled?: boolean, done?: string,
 *   title?: string, ariaLabel?: string, id?: string, why?: string}} props `run` may answer with a sentence to show;
 *   `why` says what is missing while the button is disabled
 */
export function Action({ run, label, kind = "", disabled = false, done = "", title, ariaLabel, id, why }) {
  const [state, setState] = useState({ busy: false, said: "", bad: false });
  const alive = useRef(true);
  useEffect(() => () => { alive.current = false; }, []);
  const act = async () => {
    setState({ busy: true, said: "", bad: false });
    let next;
    try {
      const said = await run();
      next = { busy: false, said: typeof said === "string" ? said : done, bad: false };
    } catch (error) {
      next = { busy: false, said: inWords(error), bad: true };
    }
    if (!alive.current) return;
    setState(next);
    if (next.said && !next.bad) setTimeout(() => alive.current && setState((old) => (old === next ? { ...old, said: "" } : old)), SHOWN_MS);
  };
  return html`<span class="action">
    <button type="button" class=${kind} id=${id} disabled=${disabled || state.busy} aria-busy=${state.busy}
      title=${title} aria-label=${ariaLabel} onClick=${act}>${label}${state.busy ? " …" : ""}</button>
    <${Said} said=${state.said} bad=${state.bad} onClose=${() => setState({ busy: false, said: "", bad: false })} />
    ${disabled && why ? html`<span class="dim why">${why}</span>` : null}
  </span>`;
}

/** @param {{said: any, bad?: boolean, onClose?: () => void}} props */
export function Said({ said, bad = false, onClose }) {
  if (!said) return html`<span role="status" class="said"></span>`;
  return html`<span role=${bad ? "alert" : "status"} class=${bad ? "said bad" : "said good"}>${said}
    ${bad && onClose ? html` <button type="button" class="plain" aria-label=${t("close")} onClick=${onClose}>×</button>` : null}</span>`;
}
