// The audit trail: who did what, and what a saved configuration changed, in the form's own words.

import { ENTRA, get, offeredFields } from "./api.js";
import { h } from "./dom.js";
import { frame } from "./frame.js";
import { paged } from "./paged.js";
import { table, time } from "./parts.js";
import { canUndoEdits, undo } from "./undo.js";
import { isText, number, t } from "./words.js";

export async function auditView(stage) {
  const { place } = stage;
  const [fields, { card, look }] = await Promise.all([offeredFields(), frame(stage, "audit")]);
  look();
  const labels = {
    source: new Map(fields.directoryFields.map((one) => [one.name, one.label])),
    target: new Map(fields.contactFields.map((one) => [one.name, one.label])),
  };
  const undoOf = (one) => (canUndoEdits(one, card, Date.now()) ? undo(stage, "edits", one) : null);
  place.replaceChildren();
  await paged(
    place,
    `${ENTRA}/audit?limit=50`,
    (told) => told.entries,
    (entries, areAll) =>
      entries.length
        ? table(
            t("audit.label"),
            [t("audit.when"), t("audit.who"), t("audit.what")],
            entries.map((one, n) => row(one, labels, isFirst(one, entries.slice(n + 1), areAll), undoOf(one))),
          )
        : h("p", {}, t("audit.none")),
  );
}

/** Whether a saved configuration is the first one; null while older entries are not shown. */
function isFirst(one, older, areAll) {
  if (one.action !== "configured" || older.some((other) => other.action === "configured")) return false;
  return areAll ? true : null;
}

function row(one, labels, first, undoIt) {
  const how = one.action === "configured" ? configured(one, labels, first) : more(one);
  return [time(one.at), one.name, [labelOf("audit.", one.details.entry ? "undone.edits" : one.action), how, undoIt]];
}

const labelOf = (begin, name) => (isText(begin + name) ? t(begin + name) : name);

function more({ details }) {
  const count = typeof details.contacts === "number" ? `: ${number(details.contacts)}` : "";
  if (details.since) return [count, " ", t("audit.since"), " ", time(details.since)];
  if (details.run) return [count, " – ", h("a", { href: `#/entra/history/${details.run}` }, t("audit.run"))];
  if (count) return count;
  if (details.byAdministratorOf) return t("audit.ended");
  if (details.contacts) return t(details.contacts === "delete" ? "audit.deleted" : "audit.kept");
  return details.name ? `: ${details.name}` : "";
}

function configured({ details }, labels, first) {
  const names = Object.keys(details);
  if (!names.length) return first === null ? "" : first ? ` ${t("audit.first.proposed")}` : t("audit.same");
  return [
    first ? ` ${t("audit.first")}` : "",
    h(
      "ul",
      { class: "fields" },
      names.map((name) => h("li", {}, `${labelOf("setting.", name)}: `, difference(name, ...details[name], labels))),
    ),
  ];
}

function difference(name, before, after, labels) {
  if (name === "fieldMappings") return mappingsChanged(before, after, labels);
  return [h("del", {}, valueOf(name, before)), " → ", h("ins", {}, valueOf(name, after))];
}

/** The mappings that went and those that came; the others are the same. */
function mappingsChanged(before, after, labels) {
  const texts = (mappings) =>
    mappings.map(
      ({ source, target }) => `${labels.source.get(source) || source} → ${labels.target.get(target) || target}`,
    );
  const [old, now] = [texts(before), texts(after)];
  const parts = [
    ...old.filter((one) => !now.includes(one)).map((one) => h("del", {}, one)),
    ...now.filter((one) => !old.includes(one)).map((one) => h("ins", {}, one)),
  ];
  return parts.length ? parts.flatMap((one, n) => (n ? [", ", one] : [one])) : t("audit.order");
}

function valueOf(name, value) {
  if (value === null || value === false) return t("value.off");
  if (value === true) return t("value.on");
  if (name === "removalGuard") return t("value.guard", value);
  if (Array.isArray(value)) return t("value.count", { n: value.length });
  return labelOf(`answer.${name}.`, value);
}
