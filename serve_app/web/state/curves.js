// The numbers of trainings: a series for each metric and attempt, so that two attempts are two
// lines. `x` is the optimiser's step where the training counts them, else the epoch.

export class Curves {
  constructor() {
    /** @type {Map<string, Map<number, {x: number[], y: number[]}>>} metric -> attempt -> points */
    this.metrics = new Map();
  }

  /** @param {any} event of the kind metric */
  add(event) {
    const { values, epoch, step } = event.data;
    for (const [name, value] of Object.entries(values ?? {})) {
      if (typeof value !== "number") continue;
      if (!this.metrics.has(name)) this.metrics.set(name, new Map());
      const attempts = this.metrics.get(name);
      const attempt = event.attempt ?? 0;
      if (!attempts?.has(attempt)) attempts?.set(attempt, { x: [], y: [] });
      const points = attempts?.get(attempt);
      const x = step ?? epoch ?? points?.x.length ?? 0;
      const last = points?.x[points.x.length - 1];
      if (last !== undefined && x <= last) continue; // an epoch that was done twice
      points?.x.push(x);
      points?.y.push(value);
    }
  }

  /**
   * What uPlot draws: common x, then y of each attempt with gaps; only the last attempts.
   * @param {string} name @param {number} most
   */
  table(name, most = 4) {
    const attempts = [...(this.metrics.get(name) ?? new Map())].sort((a, b) => a[0] - b[0]).slice(-most);
    const x = [...new Set(attempts.flatMap(([, points]) => points.x))].sort((a, b) => a - b);
    const rows = attempts.map(([, points]) => {
      const at = new Map(points.x.map((/** @type {number} */ value, /** @type {number} */ index) => [value, points.y[index]]));
      return x.map((value) => at.get(value) ?? null);
    });
    return { attempts: attempts.map(([attempt]) => attempt), data: [x, ...rows] };
  }
}
