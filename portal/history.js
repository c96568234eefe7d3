// History: runs, what a run changed field by field, and who did what.

import { ENTRA, get } from "./api.js";
import { announce, h } from "./dom.js";
import { back, table, time } from "./parts.js";
import { AUDIT, MODE, OUTCOME, RUN_STATE, TRIGGER, did, duration, number, seconds } from "./words.js";

/** Rows of a list that has a continuation: the first page now, the next ones when asked for. */
async function paged(place, path, rowsOf, build) {
  const rows = [];
  const holder = h("div", {});
  const more = h("button", { type: "button", id: "more", onclick: () => load() }, "Show more");
  let continuation = "";
  async function load() {
    const separator = path.includes("?") ? "&" : "?";
    const told = await get(path + (continuation ? `${separator}continuation=${encodeURIComponent(continuation)}` : ""));
    continuation = told.continuation;
    rows.push(...rowsOf(told));
    holder.replaceChildren(build(rows));
    more.hidden = !continuation;
    announce(`${number(rows.length)} shown.`);
  }
  place.append(holder, more);
  await load();
}

export async function historyView({ place }) {
  place.replaceChildren(back("#/entra", "Entra Id"));
  await paged(
    place,
    `${ENTRA}/runs?limit=20`,
    (told) => told.runs.map(runRow),
    (rows) =>
      rows.length
        ? table("Runs", ["Run", "When", "Asked for", "State", "Read", "What changed", "Took"], rows)
        : h("p", {}, "No run yet."),
  );
}

function runRow(run) {
  const took = run.startedAt && run.completedAt ? duration(seconds(run.startedAt, run.completedAt)) : "–";
  return h(
    "tr",
    {},
    h("td", {}, h("a", { href: `#/history/${run.id}` }, MODE[run.mode])),
    h("td", {}, time(run.startedAt || run.createdAt)),
    h("td", {}, run.requestedBy ? `${run.requestedBy}, ${TRIGGER[run.trigger]}` : TRIGGER[run.trigger]),
    h("td", {}, RUN_STATE[run.state]),
    h("td", { class: "number" }, number(run.counts.read)),
    h("td", {}, did(run.counts)),
    h("td", {}, took),
  );
}

export async function runView({ place }, id) {
  const [run, fields] = await Promise.all([get(`${ENTRA}/runs/${id}`), get(`${ENTRA}/fields`)]);
  const label = new Map(fields.contactFields.map((one) => [one.name, one.label]));
  const took = run.startedAt && run.completedAt ? `, took ${duration(seconds(run.startedAt, run.completedAt))}` : "";
  place.replaceChildren(
    back("#/history", "History"),
    h(
      "p",
      {},
      `${MODE[run.mode]}, ${TRIGGER[run.trigger]}${run.requestedBy ? ` by ${run.requestedBy}` : ""}: `,
      h("strong", {}, RUN_STATE[run.state]),
      ` ${took ? took.slice(2) : ""}`,
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
    (told) => told.changes.map((one) => changeRow(one, label)),
    (rows) =>
      rows.length
        ? table("Changes", ["Person", "What", "Field by field"], rows)
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
  return h(
    "tr",
    {},
    h("td", {}, h("a", { href: `#/contacts/${change.contactId}` }, change.name || "(no name)")),
    h("td", {}, h("span", { class: `tag ${change.outcome}` }, OUTCOME[change.outcome])),
    h("td", {}, change.reason ? change.reason : h("ul", { class: "fields" }, fields)),
  );
}

export async function auditView({ place }) {
  place.replaceChildren(back("#/entra", "Entra Id"));
  await paged(
    place,
    `${ENTRA}/audit?limit=50`,
    (told) =>
      told.entries.map((one) =>
        h(
          "tr",
          {},
          h("td", {}, time(one.at)),
          h("td", {}, one.name),
          h("td", {}, AUDIT[one.action] || one.action, details(one)),
        ),
      ),
    (rows) => (rows.length ? table("Audit trail", ["When", "Who", "What"], rows) : h("p", {}, "Nothing yet.")),
  );
}

function details(one) {
  if (one.action === "configured") {
    const names = Object.keys(one.details);
    return names.length
      ? h(
          "ul",
          { class: "fields" },
          names.map((name) =>
            h(
              "li",
              {},
              `${name}: `,
              h("del", {}, JSON.stringify(one.details[name][0])),
              " → ",
              h("ins", {}, JSON.stringify(one.details[name][1])),
            ),
          ),
        )
      : ", without a change";
  }
  if (one.details.run) return h("span", {}, " – ", h("a", { href: `#/history/${one.details.run}` }, "the run"));
  return one.details.name ? `: ${one.details.name}` : "";
}
