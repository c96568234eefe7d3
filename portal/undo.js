// Undo of a run, or of the edits that an audit entry tells of: what it would do, asked before it is done.

import { ENTRA, get, post } from "./api.js";
import { h, redraw } from "./dom.js";
import { ask, textOf, time } from "./parts.js";
import { did, t } from "./words.js";

const NAMED = 10;
const KEPT_MS = 90 * 86_400_000;
const ENDED = ["completed", "failed", "cancelled", "discarded"];

const EDITS = ["added_contacts", "changed_contacts", "removed_contacts"];

const isKept = (card, at, now) => Boolean(card.canConfigure && card.tenant) && now - new Date(at) < KEPT_MS;

/** Whether an administrator may undo a run: it has ended, and its history is kept. */
export const canUndo = (run, card, now) => ENDED.includes(run.state) && isKept(card, run.createdAt, now);

/** Whether an audit entry tells of edits that an administrator may undo. */
export const canUndoEdits = ({ action, details }, card, now) =>
  EDITS.includes(action) && Boolean(details.since) && isKept(card, details.since, now);

/** The button, and what it could not do: of a "run", or of "edits". */
export function undo(stage, what, { id }) {
  const problem = h("p", { class: "problem", role: "alert" });
  const path = `${ENTRA}/${what === "run" ? "runs" : "audit"}/${id}/undo`;
  const act = async () => {
    redraw(problem);
    try {
      const told = preview(what, await get(path));
      if (!(await ask(t(`undo.${what}.title`), told, t("undo.yes"), t("button.back"), true))) return;
      await post(path);
      stage.move("#/entra", {});
    } catch (error) {
      redraw(problem, textOf(error));
    }
  };
  return h(
    "div",
    {},
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", class: "undo", onclick: act }, t(`undo.${what}.button`)),
    ),
    problem,
  );
}

function preview(what, { complete, counts, leftAlone }) {
  const back = { ...counts, skipped: 0 };
  return h(
    "div",
    {},
    h("p", {}, t(`undo.${what}.would`, { did: did(back) })),
    complete ? null : h("p", {}, t(`undo.${what}.part`)),
    counts.skipped
      ? [
          h("p", {}, t("undo.left", { n: counts.skipped })),
          h("ul", { class: "names" }, leftAlone.slice(0, NAMED).map(leftRow)),
        ]
      : null,
    h("p", {}, t(`undo.${what}.pause`)),
  );
}

const leftRow = (one) =>
  h("li", {}, one.name || t("no.name"), " – ", t(`undo.why.${one.why}`), one.at ? [", ", time(one.at)] : null);
