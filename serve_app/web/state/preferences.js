// What a person has chosen about the page itself; kept in this browser.

import { Store } from "./store.js";

export const LANGUAGES = { en: "English", zh: "中文" };
export const THEMES = ["auto", "light", "dark"];

const spoken = navigator.language.startsWith("zh") ? "zh" : "en";

export const preferences = new Store({
  language: localStorage.getItem("language") || spoken,
  theme: localStorage.getItem("theme") || "auto",
});

/** @param {"language" | "theme"} name @param {string} value */
export function prefer(name, value) {
  localStorage.setItem(name, value);
  preferences.set({ [name]: value });
  show();
}

export function show() {
  const { language, theme } = preferences.value;
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
