// History: runs, and what a run changed field by field.

import { ENTRA, get, offeredFields } from "./api.js";
import { h } from "./dom.js";
import { frame } from "./frame.js";
import { paged } from "./paged.js";
import { back, table, time } from "./parts.js";
import { canUndo, undo } from "./undo.js";
import { askedBy, did, duration, number, seconds, t } from "./words.js";

/** Runs that changed nothing are hidden at first; `?all` in the address shows them. */
export async function historyView(stage, query = "") {
  const { place } = stage;
  const isAll = new URLSearchParams(query).has("all");
  const { look } = await frame(stage, "history");
  look();
  const turn = (event) => (location.hash = event.target.checked ? "#/entra/history?all" : "#/entra/history");
  place.replaceChildren(
    h(
      "label",
      { class: "choice" },
      h("input", { type: "checkbox", id: "all-runs", checked: isAll, onchange: turn }),
      h("span", {}, t("history.all")),
    ),
  );
  await paged(
    place,
    `${ENTRA}/runs?limit=20`,
    (told) => told.runs.filter((run) => isAll || isNotable(run)),
    (runs) =>
      runs.length
        ? table(
            t("history.label"),
            [
              t("history.run"),
              t("history.when"),
              t("history.asked"),
              t("history.state"),
              [t("history.read"), "number"],
              t("history.changed"),
              t("history.took"),
            ],
            runs.map(runRow),
          )
        : h("p", {}, t("history.none")),
  );
}

const isNotable = ({ state, counts }) =>
  state !== "completed" ||
  ["added", "linked", "updated", "removed", "unlinked", "skipped"].some((name) => counts[name]);

function runRow(run) {
  return [
    h("a", { href: `#/entra/history/${run.id}` }, t(`mode.${run.mode}`)),
    time(run.startedAt || run.createdAt),
    askedBy(run),
    h("span", { class: `tag ${run.state}` }, t(`state.${run.state}`)),
    number(run.counts.read),
    did(run.counts),
    tookOf(run) || "–",
  ];
}

const tookOf = (run) => run.startedAt && run.completedAt && duration(seconds(run.startedAt, run.completedAt));

export async function runView(stage, id) {
  const { place } = stage;
  const [run, fields, { card, look }] = await Promise.all([
    get(`${ENTRA}/runs/${id}`),
    offeredFields(),
    frame(stage, "history"),
  ]);
  look();
  const label = new Map(fields.contactFields.map((one) => [one.name, one.label]));
  place.replaceChildren(
    back("#/entra/history", t("tab.history")),
    summary(run),
    canUndo(run, card, Date.now()) ? undo(stage, run) : "",
    h("h2", {}, t("run.changes")),
  );
  await paged(
    place,
    `${ENTRA}/runs/${id}/changes?limit=1`,
    (told) => told.changes,
    (changes) =>
      changes.length
        ? table(
            t("run.changes"),
            [t("run.person"), t("run.what"), t("run.fields")],
            changes.map((one) => changeRow(one, label)),
          )
        : h("p", {}, t("run.none")),
  );
}

function summary(run) {
  const took = tookOf(run);
  const { counts, cost } = run;
  const line = {
    mode: t(`mode.${run.mode}`),
    trigger: t(`trigger.${run.trigger}`),
    name: run.requestedBy,
  };
  return h(
    "section",
    { class: "box" },
    h(
      "p",
      { class: "lead" },
      `${t(run.requestedBy ? "run.line.by" : "run.line", line)} `,
      h("strong", {}, t(`state.${run.state}`)),
      took ? ` ${t("run.took", { duration: took })}` : "",
      " – ",
      time(run.startedAt || run.createdAt),
    ),
    h(
      "p",
      {},
      t("run.counts", {
        n: counts.read,
        did: did(counts),
        unchanged: counts.unchanged,
        requests: cost.graphRequests,
        transactions: cost.tableTransactions,
      }),
    ),
    run.error ? h("p", { class: "problem" }, `${run.error.message} ${run.error.action}`) : null,
    h("p", { class: "small" }, `${t("run.id")} `, h("code", { id: "run-id" }, run.id)),
  );
}

function changeRow(change, label) {
  const names = [...new Set([...Object.keys(change.before), ...Object.keys(change.after)])].sort();
  const fields = names.map((name) =>
    h(
      "li",
      {},
      `${label.get(name) || name}: `,
      name in change.before ? h("del", {}, change.before[name]) : h("span", { class: "quiet" }, t("run.empty")),
      " → ",
      name in change.after ? h("ins", {}, change.after[name]) : h("span", { class: "quiet" }, t("run.empty")),
    ),
  );
  return [
    h("a", { href: `#/contacts/${change.contactId}` }, change.name || t("no.name")),
    h("span", { class: `tag ${change.outcome}` }, t(`outcome.${change.outcome}`)),
    change.reason ? change.reason : h("ul", { class: "fields" }, fields),
  ];
}
