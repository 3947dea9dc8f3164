// Eleven rows: what each step does now, how long it has taken, what went wrong.

import { text } from "./texts.js";

const MARKS = {
  queued: "…", running: "▶", completed: "✓", failed: "✗", cancelled: "■", skipped: "↷", interrupted: "⟳", paused: "⏸",
};

const MAX_WARNINGS = 5; // the log has them all

export class StepRows {
  constructor(list, onRun) {
    this.list = list;
    this.onRun = onRun;
    this.rows = new Map();
  }

  show(steps, busy) {
    for (const step of steps) this.fill(this.row(step.step), step, busy);
  }

  clear() {
    this.rows.clear();
    this.list.replaceChildren();
  }

  progress(name, data) {
    const row = this.rows.get(name);
    if (!row) return;
    row.bar.value = data.fraction ?? 0;
    if (data.message) this.note(row, data.message, false);
  }

  // Called every second: running steps show their time.
  tick() {
    for (const row of this.rows.values()) row.time.textContent = duration(row.step);
  }

  row(name) {
    if (this.rows.has(name)) return this.rows.get(name);
    const item = document.createElement("li");
    const make = (tag, kind) => Object.assign(document.createElement(tag), { className: kind });
    const row = {
      item, mark: make("span", "mark"), name: make("span", "name"), bar: make("progress", ""),
      time: make("span", "time"), run: make("button", ""), note: make("span", "note"),
    };
    row.bar.max = 1;
    row.run.type = "button";
    row.run.addEventListener("click", () => this.onRun(name));
    item.append(row.mark, row.name, row.bar, row.time, row.run, row.note);
    this.list.append(item);
    this.rows.set(name, row);
    return row;
  }

  fill(row, step, busy) {
    row.step = step;
    const state = step.state ? text(`state.${step.state}`) : "";
    row.mark.textContent = MARKS[step.state] ?? "·";
    row.mark.className = `mark ${step.state ?? ""}`;
    row.mark.title = state;
    row.name.textContent = text(`step.${step.step}`);
    row.bar.value = ["completed", "skipped"].includes(step.state) ? 1 : step.progress;
    row.bar.setAttribute("aria-label", `${row.name.textContent}: ${state}`);
    row.time.textContent = duration(step);
    row.run.textContent = text(step.state === "completed" ? "again" : "run");
    row.run.setAttribute("aria-label", `${row.run.textContent}: ${row.name.textContent}`);
    row.run.disabled = busy;
    const failed = step.state === "failed" && step.error;
    const sentence = failed ? `${step.error.message} ${step.error.hint ?? ""}`
      : step.stale ? text("stale")
      : step.state === "running" || step.state === "queued" ? step.message
      : warned(step.warnings);
    this.note(row, sentence, failed);
  }

  note(row, sentence, isError) {
    row.note.textContent = sentence;
    row.note.className = isError ? "note error" : "note";
    row.note.hidden = !sentence;
  }
}

function warned(warnings) {
  const lines = warnings.slice(0, MAX_WARNINGS).map((sentence) => `⚠ ${sentence}`);
  if (warnings.length > MAX_WARNINGS) lines.push(`… +${warnings.length - MAX_WARNINGS}`);
  return lines.join("\n");
}

function duration(step) {
  if (!step?.started_at) return "";
  const end = step.finished_at ? new Date(step.finished_at) : new Date();
  const seconds = Math.max(0, (end - new Date(step.started_at)) / 1000);
  if (seconds < 60) return `${seconds.toFixed(0)} s`;
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")} min`;
}
