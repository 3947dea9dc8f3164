// Which view is shown: #/, #/library or #/voice/TASK/SECTION. Can be bookmarked, and the back button works.

import { Store } from "./store.js";

export const SECTIONS = ["recordings", "review", "train", "speak", "files"];

export const route = new Store(read());

addEventListener("hashchange", () => route.set(read()));

function read() {
  const parts = location.hash.replace(/^#\/?/, "").split("/").map(decoded);
  if (parts[0] === "voice" && parts[1]) {
    return { view: "voice", id: parts[1], section: SECTIONS.includes(parts[2]) ? parts[2] : null };
  }
  if (parts[0] === "library") return { view: "library", id: null, section: null };
  // Links of the page before this one: #TASK
  if (parts.length === 1 && /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(parts[0])) {
    return { view: "voice", id: parts[0], section: null };
  }
  return { view: "home", id: null, section: null };
}

/** Of an address that somebody cut short or typed. @param {string} part */
function decoded(part) {
  try { return decodeURIComponent(part); } catch { return part; }
}

/** @param {string} id */
export const voiceLink = (id, section = "") => `#/voice/${encodeURIComponent(id)}${section ? `/${section}` : ""}`;

/** @param {string} hash */
export function go(hash, replace = false) {
  if (!replace) location.hash = hash;
  else {
    history.replaceState(null, "", hash);
    route.set(read());
  }
}
