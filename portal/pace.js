// How fast a run gets on, by what moved in the last seconds, and since when nothing has moved. Pure; times in milliseconds.

const WINDOW_MS = 15_000;
const STILL_MS = 10_000;
const SHORTEST_SECONDS = 2;

/** The looks at a run so far, and one more `at` this time. Looks at another run, or of long ago, are left out. */
export function lookAt(run, looks, at) {
  const trace = JSON.stringify([run.state, run.counts, run.cost]);
  const mine = looks.filter((one) => one.id === run.id);
  const isStill = mine.at(-1)?.trace === trace;
  const next = { id: run.id, at, done: doneOf(run), trace, movedAt: isStill ? mine.at(-1).movedAt : at };
  return [...mine.filter((one) => at - one.at <= WINDOW_MS), next];
}

/** How many people a run has behind it: read, or, where it carries out approved removals or undoes a run, changed. */
export const doneOf = ({ mode, counts, pendingRemovals }) => {
  if (mode === "undo") return counts.added + counts.linked + counts.updated + counts.removed + counts.unlinked;
  return pendingRemovals ? counts.removed + counts.unlinked : counts.read;
};

/** How many people a run will have behind it at its end; null where that is not known. */
export const wholeOf = ({ mode, expected, pendingRemovals }) =>
  pendingRemovals ? pendingRemovals.count : mode === "full" ? expected : null;

/** `rate` in people a second, 0 while it is not known; `stillSince` is null unless nothing moves. */
export function paceOf(looks) {
  if (!looks.length) return { rate: 0, stillSince: null };
  const [first, last] = [looks[0], looks.at(-1)];
  const seconds = (last.at - first.at) / 1000;
  const rate = seconds >= SHORTEST_SECONDS ? (last.done - first.done) / seconds : 0;
  return { rate, stillSince: last.at - last.movedAt >= STILL_MS ? last.movedAt : null };
}
