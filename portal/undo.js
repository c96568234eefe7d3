// Undo of a run: what it would do, asked before it is done.

import { ENTRA, get, post } from "./api.js";
import { h, redraw } from "./dom.js";
import { ask, textOf, time } from "./parts.js";
import { did, t } from "./words.js";

const NAMED = 10;
const KEPT_MS = 90 * 86_400_000;
const ENDED = ["completed", "failed", "cancelled", "discarded"];

/** Whether an administrator may undo a run: it has ended, and its history is kept. */
export const canUndo = (run, card, now) =>
  Boolean(card.canConfigure && card.tenant) && ENDED.includes(run.state) && now - new Date(run.createdAt) < KEPT_MS;

/** The button, and what it could not do. */
export function undo(stage, run) {
  const problem = h("p", { id: "undo-problem", class: "problem", role: "alert" });
  const act = async () => {
    redraw(problem);
    try {
      const told = await get(`${ENTRA}/runs/${run.id}/undo`);
      if (!(await ask(t("undo.title"), preview(told), t("undo.yes"), t("button.back"), true))) return;
      await post(`${ENTRA}/runs/${run.id}/undo`);
      stage.move("#/entra", {});
    } catch (error) {
      redraw(problem, textOf(error));
    }
  };
  return h(
    "div",
    {},
    h("div", { class: "actions" }, h("button", { type: "button", id: "undo", onclick: act }, t("undo.button"))),
    problem,
  );
}

function preview({ complete, counts, leftAlone }) {
  const back = { ...counts, skipped: 0 };
  return h(
    "div",
    {},
    h("p", {}, t("undo.would", { did: did(back) })),
    complete ? null : h("p", {}, t("undo.part")),
    counts.skipped
      ? [
          h("p", {}, t("undo.left", { n: counts.skipped })),
          h("ul", { class: "names" }, leftAlone.slice(0, NAMED).map(leftRow)),
        ]
      : null,
    h("p", {}, t("undo.pause")),
  );
}

const leftRow = (one) =>
  h("li", {}, one.name || t("no.name"), " – ", t(`undo.why.${one.why}`), one.at ? [", ", time(one.at)] : null);
