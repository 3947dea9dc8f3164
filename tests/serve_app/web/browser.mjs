// What modules of the studio ask of a browser while they are loaded; no page is drawn here.

class Kept {
  rows = new Map();
  getItem(key) { return this.rows.get(key) ?? null; }
  setItem(key, value) { this.rows.set(key, String(value)); }
}

const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
define("localStorage", new Kept());
define("sessionStorage", new Kept());
define("navigator", { language: "en-GB" });
define("location", { hash: "#/", origin: "http://127.0.0.1:8000" });
define("document", { hidden: true, documentElement: { dataset: {}, lang: "en" } });
define("addEventListener", () => {});
// Timers of modules (lists that are read again and again) must not keep the tests from ending.
const { setInterval: every } = globalThis;
define("setInterval", (...given) => every(...given).unref());
