// Server-sent events over fetch(), because EventSource cannot send the key.

import { answered, unanswered } from "../state/connection.js";
import { headers, taskPath } from "./http.js";

const FIRST_WAIT = 500;
const LONGEST_WAIT = 8000;
const SILENCE = 40_000; // the service says "still here" every 15 s

/**
 * Calls `onEvents` with events after number `after` until `signal` says stop. Goes on from the
 * last event after a broken connection; ends by itself for a task that is not there.
 * @param {string} id @param {number} after
 * @param {(events: any[]) => void} onEvents @param {AbortSignal} signal
 */
export async function watch(id, after, onEvents, signal) {
  let wait = FIRST_WAIT;
  while (!signal.aborted) {
    const part = new AbortController();
    const stop = () => part.abort();
    signal.addEventListener("abort", stop);
    let silent = setTimeout(stop, SILENCE);
    try {
      const response = await fetch(`/api/v1${taskPath(id, "/events/stream")}`, {
        headers: headers({ "Last-Event-ID": String(after) }), signal: part.signal,
      });
      answered(response.status);
      if ([401, 403, 404].includes(response.status)) return;
      if (!response.ok || !response.body) throw new Error(String(response.status));
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        clearTimeout(silent);
        silent = setTimeout(stop, SILENCE);
        wait = FIRST_WAIT;
        const blocks = (rest + value).split("\n\n");
        rest = blocks.pop() ?? "";
        const last = after;
        const events = blocks.flatMap(parse).filter((event) => event.seq > last);
        if (events.length) {
          after = events[events.length - 1].seq;
          onEvents(events);
        }
      }
    } catch {
      if (!signal.aborted) unanswered();
    } finally {
      clearTimeout(silent);
      signal.removeEventListener("abort", stop);
    }
    if (signal.aborted) return;
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }
}

/** @param {string} block @returns {any[]} */
function parse(block) {
  const data = block.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5));
  return data.length ? [JSON.parse(data.join("\n"))] : [];
}
