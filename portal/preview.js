// What a preview told: how many of what, and some people field by field.

import { h } from "./dom.js";
import { OUTCOME, contacts, number, people } from "./words.js";

const COUNTED = ["added", "linked", "updated", "unchanged", "removed", "unlinked"];

/** The answer of the preview call. `fields` is what the API offers, for their labels. */
export function previewed(told, fields) {
  const label = new Map(fields.contactFields.map((one) => [one.name, one.label]));
  const { counts } = told;
  const parts = COUNTED.filter((name) => counts[name]).map((name) => `${number(counts[name])} ${OUTCOME[name]}`);
  const waits = `The removals would wait for your approval: ${contacts(counts.removed + counts.unlinked)}.`;
  return [
    h("h3", {}, "Preview: nothing is saved or changed yet"),
    h(
      "p",
      { id: "preview-counts" },
      told.complete ? "A sync with these choices: " : `Of the first ${people(counts.read)}: `,
      parts.join(", ") || "nobody in the list",
      `; ${people(told.leftOut)} left out.`,
    ),
    told.waitsForApproval ? h("p", { class: "problem" }, waits) : null,
    h(
      "ul",
      { class: "people", id: "preview-people" },
      told.sample.map((one) => personCard(one, label)),
    ),
  ];
}

function personCard(person, label) {
  const names = [...new Set([...Object.keys(person.before), ...Object.keys(person.after)])];
  return h(
    "li",
    { class: "person" },
    h("strong", {}, person.name || "(no name)"),
    h("span", { class: `tag ${person.outcome}` }, OUTCOME[person.outcome]),
    h(
      "dl",
      {},
      names.map((name) => h("div", {}, h("dt", {}, label.get(name) || name), h("dd", {}, valueOf(person, name)))),
    ),
  );
}

function valueOf({ before, after, outcome }, name) {
  const gone = after[name] === undefined;
  const changes = outcome === "updated" && name in before && before[name] !== after[name];
  return [
    changes || gone ? h("del", {}, before[name]) : null,
    changes && !gone ? " → " : null,
    gone ? null : h(changes ? "ins" : "span", {}, after[name]),
  ];
}
