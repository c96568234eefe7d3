// What a preview told: how many of what, and some people field by field.

import { h } from "./dom.js";
import { contacts, number, own, people, t } from "./words.js";

const COUNTED = ["added", "linked", "updated", "unchanged", "removed", "unlinked"];

/** The answer of the preview call. `fields` is what the API offers, for their labels. */
export function previewed(told, fields) {
  const label = new Map(fields.contactFields.map((one) => [one.name, one.label]));
  const { counts } = told;
  const parts = COUNTED.filter((name) => counts[name]).map((name) => `${number(counts[name])} ${t(`outcome.${name}`)}`);
  const begin = told.complete ? t("preview.whole") : t("preview.part", { people: people(counts.read) });
  const waits = t("preview.waits", { contacts: contacts(counts.removed + counts.unlinked) });
  return [
    h("h2", {}, t("preview.title")),
    h(
      "p",
      { id: "preview-counts" },
      `${begin} ${parts.join(", ") || t("preview.nobody")}; ${t("preview.out", { n: told.leftOut })}`,
    ),
    leftOut(told),
    told.waitsForApproval ? h("p", { class: "problem" }, waits) : null,
    h(
      "ul",
      { class: "people", id: "preview-people" },
      told.sample.map((one) => personCard(one, label)),
    ),
  ];
}

/** Who is left out, and why: how many by each reason, and some of them. */
function leftOut({ reasons = {}, leftOutSample: some = [] }) {
  const why = Object.entries(reasons).filter(([, n]) => n);
  if (!why.length) return null;
  return h(
    "details",
    { id: "left-out" },
    h("summary", {}, why.map(([reason, n]) => t(`why.${reason}.count`, { n })).join(", ")),
    h(
      "ul",
      { class: "names" },
      some.map((one) => h("li", {}, `${one.name || t("no.name")} – ${t(`why.${one.reason}`, { n: one.rule })}`)),
    ),
  );
}

function personCard(person, label) {
  const names = [...new Set([...Object.keys(person.before), ...Object.keys(person.after)])];
  return h(
    "li",
    { class: "person" },
    h("strong", {}, person.name || t("no.name")),
    h("span", { class: `tag ${person.outcome}` }, t(`outcome.${person.outcome}`)),
    h(
      "dl",
      {},
      names.map((name) => h("div", {}, h("dt", {}, label.get(name) || name), h("dd", {}, valueOf(person, name)))),
    ),
  );
}

function valueOf({ before, after, outcome }, name) {
  const [old, now] = [own(before, name), own(after, name)];
  const gone = now === undefined;
  const changes = outcome === "updated" && old !== undefined && old !== now;
  return [
    changes || gone ? h("del", {}, old) : null,
    changes && !gone ? " → " : null,
    gone ? null : h(changes ? "ins" : "span", {}, now),
  ];
}
