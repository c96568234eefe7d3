// History: runs, and what a run changed field by field.

import { ENTRA, get, offeredFields } from "./api.js";
import { h } from "./dom.js";
import { download } from "./download.js";
import { frame } from "./frame.js";
import { paged } from "./paged.js";
import { back, exactly, table, time } from "./parts.js";
import { addressOf, askedFor, filterOf, filters, isFirst, isWhole } from "./runfilter.js";
import { canUndo, undo } from "./undo.js";
import { askedBy, did, duration, failure, number, seconds, t } from "./words.js";

/** Runs a page. Where some are filtered out, a page may show none of many. */
const SHOWN = 20;
const SOUGHT = 100;

/** Runs that changed nothing are hidden at first; the address says what is shown. */
export async function historyView(stage, query = "") {
  const [filter, { look }] = await Promise.all([filterOf(query), frame(stage, "history")]);
  look();
  const list = h("div", {});
  const save = () => download(`${ENTRA}/runs.csv?${askedFor(filter)}`, "runs.csv");
  const change = (changes) => {
    Object.assign(filter, changes);
    stage.readdress(addressOf(filter));
    return show();
  };
  stage.place.replaceChildren(
    filters(stage, filter, change),
    h("div", { class: "actions" }, h("button", { type: "button", id: "runs-csv", onclick: save }, t("button.csv"))),
    list,
  );
  await show();

  /** Each time in a place of its own, so that an answer that comes too late is not seen. */
  async function show() {
    const place = h("div", {});
    list.replaceChildren(place);
    const path = `${ENTRA}/runs?limit=${isWhole(filter) ? SHOWN : SOUGHT}&${askedFor(filter)}`;
    await paged(
      place,
      path,
      (told) => told.runs,
      (runs, areAll) => runTable(runs, areAll, filter),
    );
  }
}

function runTable(runs, areAll, filter) {
  if (!runs.length)
    return h(
      "p",
      { id: "no-run" },
      t(areAll ? (isFirst(filter) ? "history.none" : "history.none.such") : "history.none.yet"),
    );
  const columns = [
    t("history.run"),
    t("history.when"),
    t("history.asked"),
    t("history.state"),
    [t("history.read"), "number"],
    t("history.changed"),
    t("history.took"),
  ];
  return table(t("history.label"), columns, runs.map(runRow));
}

function runRow(run) {
  return [
    h("a", { href: `#/entra/history/${run.id}` }, t(`mode.${run.mode}`)),
    exactly(run.startedAt || run.createdAt),
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
    canUndo(run, card, Date.now()) ? undo(stage, "run", run) : "",
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
    run.error ? h("p", { class: "problem" }, Object.values(failure(run.error)).join(" ")) : null,
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
    [
      h("a", { href: `#/contacts/${change.contactId}` }, change.name || t("no.name")),
      h("a", { class: "origin spaced", href: addressOf({ person: change.contactId }) }, t("run.person.history")),
    ],
    h("span", { class: `tag ${change.outcome}` }, t(`outcome.${change.outcome}`)),
    change.reason ? change.reason : h("ul", { class: "fields" }, fields),
  ];
}
