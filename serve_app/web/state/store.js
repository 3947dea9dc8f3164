// A value that views watch. `set` takes the parts that change, or a function of the old value.

import { useEffect, useState } from "../parts/html.js";

export class Store {
  /** @param {Record<string, any>} initial */
  constructor(initial) {
    this.value = initial;
    /** @type {Set<() => void>} */
    this.watchers = new Set();
  }

  /** @param {Record<string, any> | ((old: any) => Record<string, any>)} change */
  set(change) {
    const parts = typeof change === "function" ? change(this.value) : change;
    this.value = { ...this.value, ...parts };
    for (const watcher of [...this.watchers]) watcher();
  }

  /** @param {() => void} watcher */
  watch(watcher) {
    this.watchers.add(watcher);
    return () => { this.watchers.delete(watcher); };
  }
}

/**
 * The value of `select(store.value)`; the view is drawn again only when that changes.
 * @param {Store} store
 * @param {(value: any) => any} select
 */
export function useStore(store, select = (value) => value) {
  const [, draw] = useState(0);
  const now = select(store.value);
  useEffect(() => {
    let shown = now;
    const look = () => {
      const next = select(store.value);
      if (!Object.is(next, shown)) {
        shown = next;
        draw((count) => count + 1);
      }
    };
    look();
    return store.watch(look);
  });
  return now;
}
