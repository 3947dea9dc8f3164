// What was heard in a checkpoint's samples, as columns of the leaderboard.

const percent = (/** @type {number} */ share) => `${Math.round(100 * share)} %`;

/** @type {Record<string, (value: number) => string>} in the order in which they stand */
const COLUMNS = {
  cer: percent,
  likeness: (value) => value.toFixed(2),
  phones_per_second: (value) => value.toFixed(1),
  failed_pieces: (value) => (value > 0 ? `⚠ ${percent(value)}` : percent(value)),
};

/** The columns that any of these checkpoints has a number for. @param {any[]} checkpoints */
export const judgedColumns = (checkpoints) => Object.keys(COLUMNS).filter((name) => checkpoints.some((each) => name in (each.judged ?? {})));

/** A number as people read it; a dash where nobody listened. @param {any} checkpoint @param {string} name */
export const judgedCell = (checkpoint, name) => (name in (checkpoint.judged ?? {}) ? COLUMNS[name](checkpoint.judged[name]) : "–");
