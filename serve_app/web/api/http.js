// The service's API. The key, if there is one, lives as long as the browser's tab.

import { answered, unanswered } from "../state/connection.js";

export class Refused extends Error {
  /** @param {Record<string, any>} problem @param {number} status 0: nobody answered */
  constructor(problem, status) {
    // Routes in OpenAI's dialect say what is wrong as its clients expect it.
    if (typeof problem.error === "object" && problem.error) problem = problem.error;
    super(problem.message || problem.detail || `HTTP ${status}`);
    this.status = status;
    this.code = problem.code ?? (status ? "error" : "unreachable");
    this.hint = problem.hint ?? "";
    this.facts = problem;
  }
}

/** @param {string} key */
export function setKey(key) {
  sessionStorage.setItem("key", key);
}

/** @param {Record<string, string>} more */
export function headers(more = {}) {
  const key = sessionStorage.getItem("key");
  // A service tells of pauses only whom it knows to know them.
  const known = { ...more, "GSV-Knows": "paused" };
  return key ? { ...known, Authorization: `Bearer ${key}` } : known;
}

/** @param {string} path @param {RequestInit & {headers?: Record<string, string>}} options */
export async function send(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: headers(options.headers) });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    unanswered();
    throw new Refused({}, 0);
  }
  answered(response.status);
  if (!response.ok) throw new Refused(await response.json().catch(() => ({})), response.status);
  return response;
}

export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} path @param {AbortSignal} [signal] @returns {Promise<any>} */
export async function get(path, signal) {
  return (await send(`/api/v1${path}`, { signal })).json();
}

/**
 * @param {string} method @param {string} path @param {any} [body] @param {Record<string, string>} [more]
 * @returns {Promise<any>}
 */
export async function call(method, path, body, more = {}) {
  // What creates or starts is done once, however often it is sent.
  if (method === "POST") more = { ...more, "Idempotency-Key": newKey() };
  /** @type {any} */
  const options = { method, headers: more };
  if (body instanceof Blob) {
    options.body = body;
  } else if (body !== undefined) {
    options.headers = { ...more, "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  return (await send(`/api/v1${path}`, options)).json();
}

/** @param {string} id */
export const taskPath = (id, rest = "") => `/task/${encodeURIComponent(id)}${rest}`;

/** @param {string} id @param {string} name */
export const filePath = (id, name) =>
  taskPath(id, `/files/download/${name.split("/").map(encodeURIComponent).join("/")}`);

/** @param {string} id @param {string} clip */
export const clipPath = (id, clip, rest = "") => taskPath(id, `/clips/${encodeURIComponent(clip)}${rest}`);

/** Sound and other bytes below /api/v1: an <audio> element could not send the key.
 * @param {string} path @param {AbortSignal} [signal] */
export async function fetchBlob(path, signal) {
  return (await send(`/api/v1${path}`, { signal })).blob();
}

/** @param {string} path @param {string} name */
export async function save(path, name) {
  saveBlob(await fetchBlob(path), name);
}

/** @param {Blob} blob @param {string} name */
export function saveBlob(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** @param {string} id @param {File[]} files @param {(share: number) => void} onProgress */
export function upload(id, files, onProgress) {
  const form = new FormData();
  for (const file of files) form.append("file", file);
  return sendForm(taskPath(id, "/files/upload"), form, onProgress);
}

/**
 * fetch() tells nothing about the progress of an upload; XMLHttpRequest does.
 * @param {string} path below /api/v1 @param {FormData} form @param {(share: number) => void} onProgress
 * @returns {Promise<any>}
 */
export function sendForm(path, form, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/v1${path}`);
    for (const [name, value] of Object.entries(headers({ "Idempotency-Key": newKey() }))) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => onProgress(event.loaded / event.total);
    request.onload = () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* not ours: a proxy's page */ }
      request.status < 400 ? resolve(answer) : reject(new Refused(answer, request.status));
    };
    request.onerror = () => { unanswered(); reject(new Refused({}, 0)); };
    request.send(form);
  });
}
