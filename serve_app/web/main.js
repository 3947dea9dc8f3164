// The studio: what is shown follows from the address, the open task and the service's state.

import { setKey } from "./api/http.js";
import { html, render, useEffect, useState } from "./parts/html.js";
import { askHealth, connection } from "./state/connection.js";
import { LANGUAGES, THEMES, prefer, preferences, show } from "./state/preferences.js";
import { route } from "./state/route.js";
import { service, start } from "./state/service.js";
import { useStore } from "./state/store.js";
import { open, openTask } from "./state/task.js";
import { announce } from "./state/title.js";
import { Home } from "./views/home.js";
import { Library } from "./views/library.js";
import { Voice } from "./views/voice.js";
import { loadForms } from "./words/forms.js";
import { when, t } from "./words/words.js";

function App() {
  const { view, id } = useStore(route);
  const state = useStore(connection, (value) => value.state);
  const { language } = useStore(preferences);
  useEffect(() => { loadForms().catch(() => {}); }, [language, state]);
  useEffect(() => { openTask(view === "voice" ? id : null); }, [view, id]);
  return html`<a class="skip" href="#main" onClick=${skip}>${t("skip")}</a>
    <${Top} />
    ${state === "gone" || state === "starting" ? html`<${Gone} state=${state} />` : null}
    <main id="main" tabindex="-1">
      ${state === "locked" ? html`<${Locked} />` : view === "voice" ? html`<${Voice} key=${id} id=${id} />` : view === "library" ? html`<${Library} />` : html`<${Home} />`}
    </main>`;
}

// A link to #main would change the address, which says what is shown.
function skip(/** @type {Event} */ event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Top() {
  const { language, theme } = useStore(preferences);
  const { view } = useStore(route);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  return html`<header class="top">
    <a class="brand" href="#/"><img src="/web/icon.svg" alt="" width="22" height="22" /> <span class="words">${t("brand")}</span></a>
    <nav class="places" aria-label=${t("places")}><a href="#/" aria-current=${view === "library" ? undefined : "page"}>${t("voices")}</a><a href="#/library" aria-current=${view === "library" ? "page" : undefined}>${t("library")}</a></nav>
    <${Connection} />
    <span class="grow"></span>
    <a href="/docs" class="quiet">API</a>
    <button type="button" class="plain" title=${t(`theme.${theme}`)} aria-label=${`${t("theme")}: ${t(`theme.${theme}`)}`}
      onClick=${() => prefer("theme", next)}>${{ auto: "◐", light: "☀", dark: "☾" }[/** @type {"auto"} */ (theme)]}</button>
    <label class="inline"><span class="unseen">${t("language")}</span>
      <select id="language" value=${language} onChange=${(/** @type {any} */ event) => prefer("language", event.target.value)}>
        ${Object.entries(LANGUAGES).map(([code, name]) => html`<option value=${code}>${name}</option>`)}
      </select></label>
  </header>`;
}

function Connection() {
  const { state, health } = useStore(connection);
  const { capabilities } = useStore(service);
  const details = health?.details ?? {};
  const gpus = capabilities?.cluster?.gpus ?? 0;
  const facts = state !== "ok" ? [] : [
    capabilities?.cluster ? (gpus ? t("gpus", { n: gpus, kind: capabilities.cluster.gpu_types.join(", ") }) : t("noGpu")) : "",
    details.steps_running ? t("running", { n: details.steps_running }) : "",
    details.steps_waiting ? t("waiting", { n: details.steps_waiting }) : "",
  ].filter(Boolean);
  const degraded = health?.status === "degraded" && state === "ok";
  return html`<span id="connection" class=${`connection ${degraded ? "starting" : state}`} role="status">
    <span class="dot"></span> <span class="words">${t(`connection.${degraded ? "degraded" : state}`)}</span>${facts.length ? html`<span class="facts"> · ${facts.join(" · ")}</span>` : null}</span>`;
}

function Gone({ state }) {
  const { since, health } = useStore(connection);
  const reason = state === "starting" ? health?.details?.reason : "";
  return html`<p id="gone" class="banner bad" role="alert">${t(state === "gone" ? "gone" : "starting", { time: when(new Date(since).toISOString()) })}
    ${reason ? html` <span lang="en">(${reason})</span>` : null}</p>`;
}

function Locked() {
  const [key, put] = useState("");
  const enter = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setKey(key);
    connection.set({ state: "unknown" });
    await start();
    const { id } = route.value;
    openTask(null);
    openTask(id);
  };
  return html`<form id="key-form" class="panel narrow" onSubmit=${enter}>
    <h1>${t("keyTitle")}</h1><p class="dim">${t("keyWords")}</p>
    <label>${t("apiKey")}<input id="key" type="password" autocomplete="current-password" required value=${key} onInput=${(/** @type {any} */ event) => put(event.target.value)} /></label>
    <button class="primary">${t("enter")}</button></form>`;
}

show();
announce(open);
render(html`<${App} />`, /** @type {Element} */ (document.getElementById("app")));
start();
askHealth();
