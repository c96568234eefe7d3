// History: runs, and what a run changed field by field.

import { ENTRA, get } from "./api.js";
import { h } from "./dom.js";
import { paged } from "./paged.js";
import { back, table, time } from "./parts.js";
import { MODE, OUTCOME, RUN_STATE, TRIGGER, did, duration, number, seconds } from "./words.js";

export async function historyView({ place }) {
  place.replaceChildren(back("#/entra", "Entra Id"));
  await paged(
    place,
    `${ENTRA}/runs?limit=20`,
    (told) => told.runs,
    (runs) =>
      runs.length
        ? table(
            "Runs",
            ["Run", "When", "Asked for", "State", ["Read", "number"], "What changed", "Took"],
            runs.map(runRow),
          )
        : h("p", {}, "No run yet."),
  );
}

function runRow(run) {
  return [
    h("a", { href: `#/history/${run.id}` }, MODE[run.mode]),
    time(run.startedAt || run.createdAt),
    run.requestedBy ? `${run.requestedBy}, ${TRIGGER[run.trigger]}` : TRIGGER[run.trigger],
    RUN_STATE[run.state],
    number(run.counts.read),
    did(run.counts),
    tookOf(run) || "–",
  ];
}

const tookOf = (run) => run.startedAt && run.completedAt && duration(seconds(run.startedAt, run.completedAt));

export async function runView({ place }, id) {
  const [run, fields] = await Promise.all([get(`${ENTRA}/runs/${id}`), get(`${ENTRA}/fields`)]);
  const label = new Map(fields.contactFields.map((one) => [one.name, one.label]));
  const took = tookOf(run);
  place.replaceChildren(
    back("#/history", "History"),
    h(
      "p",
      {},
      `${MODE[run.mode]}, ${TRIGGER[run.trigger]}${run.requestedBy ? ` by ${run.requestedBy}` : ""}: `,
      h("strong", {}, RUN_STATE[run.state]),
      took ? ` in ${took}` : "",
      " – ",
      time(run.startedAt || run.createdAt),
    ),
    h(
      "p",
      {},
      `${number(run.counts.read)} read, ${did(run.counts)}, ${number(run.counts.unchanged)} unchanged. Requests to Microsoft: ${number(run.cost.graphRequests)}; storage transactions: ${number(run.cost.tableTransactions)}.`,
    ),
    run.error ? h("p", { class: "problem" }, `${run.error.message} ${run.error.action}`) : "",
    h("h2", {}, "Changes"),
  );
  await paged(
    place,
    `${ENTRA}/runs/${id}/changes?limit=1`,
    (told) => told.changes,
    (changes) =>
      changes.length
        ? table(
            "Changes",
            ["Person", "What", "Field by field"],
            changes.map((one) => changeRow(one, label)),
          )
        : h("p", {}, "This run changed no contact."),
  );
}

function changeRow(change, label) {
  const names = [...new Set([...Object.keys(change.before), ...Object.keys(change.after)])].sort();
  const fields = names.map((name) =>
    h(
      "li",
      {},
      `${label.get(name) || name}: `,
      name in change.before ? h("del", {}, change.before[name]) : h("span", { class: "quiet" }, "empty"),
      " → ",
      name in change.after ? h("ins", {}, change.after[name]) : h("span", { class: "quiet" }, "empty"),
    ),
  );
  return [
    h("a", { href: `#/contacts/${change.contactId}` }, change.name || "(no name)"),
    h("span", { class: `tag ${change.outcome}` }, OUTCOME[change.outcome]),
    change.reason ? change.reason : h("ul", { class: "fields" }, fields),
  ];
}
