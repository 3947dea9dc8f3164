// How far the open task is, in the title of the tab; a notification when it ends while nobody looks.

import { t } from "../words/words.js";
import { isBusy } from "./service.js";

let was = { id: null, busy: false };

/** @param {import("./store.js").Store} open */
export function announce(open) {
  open.watch(() => {
    const { id, task } = open.value;
    const busy = isBusy(task);
    document.title = task ? `${busy ? `${Math.floor(task.progress)} % · ` : ""}${task.task_name} · ${t("brand")}` : t("brand");
    if (was.id === id && was.busy && task && !busy) tell(task);
    was = { id, busy };
  });
}

/** @param {any} task */
function tell(task) {
  if (!document.hidden || !("Notification" in window) || Notification.permission !== "granted") return;
  const failed = task.status === "failed";
  new Notification(t(failed ? "told.failed" : "told.done", { name: task.task_name }), { body: task.error_message ?? "", tag: task.task_id });
}

/** Asked for where a long run is started, never at load. */
export function mayTell() {
  if ("Notification" in window && Notification.permission === "default") Notification.requestPermission();
}
