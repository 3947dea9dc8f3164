// The service's API. The key, if there is one, lives as long as the browser's tab.

export class Refused extends Error {
  constructor(problem, status) {
    super(problem.detail || `HTTP ${status}`);
    this.status = status;
    this.code = problem.code;
  }
}

export function setKey(key) {
  sessionStorage.setItem("key", key);
}

function headers(more = {}) {
  const key = sessionStorage.getItem("key");
  return key ? { ...more, Authorization: `Bearer ${key}` } : more;
}

async function send(path, options = {}) {
  const response = await fetch(path, { ...options, headers: headers(options.headers) });
  if (!response.ok) {
    throw new Refused(await response.json().catch(() => ({})), response.status);
  }
  return response;
}

const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

export async function get(path) {
  return (await send(`/api/v1${path}`)).json();
}

export async function call(method, path, body, more = {}) {
  // What creates or starts is done once, however often it is sent.
  if (method === "POST") more = { ...more, "Idempotency-Key": newKey() };
  const options = { method, headers: more };
  if (body instanceof Blob) {
    options.body = body;
  } else if (body !== undefined) {
    options.headers = { ...more, "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  return (await send(`/api/v1${path}`, options)).json();
}

export const taskPath = (id, rest = "") => `/task/${encodeURIComponent(id)}${rest}`;

export const filePath = (id, name) =>
  taskPath(id, `/files/download/${name.split("/").map(encodeURIComponent).join("/")}`);

export async function fetchFile(id, name) {
  return (await send(`/api/v1${filePath(id, name)}`)).blob();
}

// Sound and other bytes below /api/v1; an <audio> element could not send the key.
export async function fetchClip(path) {
  return (await send(`/api/v1${path}`)).blob();
}

// fetch() tells nothing about the progress of an upload; XMLHttpRequest does.
export function upload(id, files, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    for (const file of files) form.append("file", file);
    request.open("POST", `/api/v1${taskPath(id, "/files/upload")}`);
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onProgress(event.loaded / event.total);
    request.onload = () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* not ours: a proxy's page */ }
      request.status < 400 ? resolve(answer) : reject(new Refused(answer, request.status));
    };
    request.onerror = () => reject(new Refused({}, 0));
    request.send(form);
  });
}

// Server-sent events over fetch(), because EventSource cannot send the key. Goes on from the
// last event after a broken connection; ends when `signal` says so.
export async function watch(id, after, onEvents, signal) {
  let wait = 500;
  while (!signal.aborted) {
    try {
      const response = await send(`/api/v1${taskPath(id, "/events/stream")}`, {
        headers: { "Last-Event-ID": String(after) }, signal,
      });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        wait = 500;
        const parts = (rest + value).split("\n\n");
        rest = parts.pop();
        const events = parts.flatMap(parse).filter((event) => event.seq > after);
        if (events.length) {
          after = events.at(-1).seq;
          onEvents(events);
        }
      }
    } catch (error) {
      if (signal.aborted || error.status === 404 || error.status === 401) return;
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, 8000);
  }
}

function parse(block) {
  const data = block.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5));
  return data.length ? [JSON.parse(data.join("\n"))] : [];
}
