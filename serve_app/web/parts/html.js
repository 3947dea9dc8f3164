// The one place that names the libraries the page is drawn with.

import htm from "../vendor/htm.js";
import { h, render } from "../vendor/preact.js";

export const html = htm.bind(h);
export { render };

/** For `ref`: what appears in a view has the focus; `autofocus` only works while a page loads.
 * @param {HTMLElement | null} element */
export const takeFocus = (element) => element?.focus();

export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact-hooks.js";
