// The audit trail: who did what, and what a saved configuration changed, in the form's own words.

import { ENTRA, get } from "./api.js";
import { h } from "./dom.js";
import { paged } from "./paged.js";
import { back, table, time } from "./parts.js";
import { AUDIT, CONFLICT, DELETION, SETTING, number } from "./words.js";

export async function auditView({ place }) {
  const fields = await get(`${ENTRA}/fields`);
  const labels = {
    source: new Map(fields.directoryFields.map((one) => [one.name, one.label])),
    target: new Map(fields.contactFields.map((one) => [one.name, one.label])),
  };
  place.replaceChildren(back("#/entra", "Entra Id"));
  await paged(
    place,
    `${ENTRA}/audit?limit=50`,
    (told) => told.entries,
    (entries, areAll) =>
      entries.length
        ? table(
            "Audit trail",
            ["When", "Who", "What"],
            entries.map((one, n) => row(one, labels, isFirst(one, entries.slice(n + 1), areAll))),
          )
        : h("p", {}, "Nothing yet."),
  );
}

/** Whether a saved configuration is the first one; null while older entries are not shown. */
function isFirst(one, older, areAll) {
  if (one.action !== "configured" || older.some((other) => other.action === "configured")) return false;
  return areAll ? true : null;
}

function row(one, labels, first) {
  const how = one.action === "configured" ? configured(one, labels, first) : more(one);
  return [time(one.at), one.name, [AUDIT[one.action] || one.action, how]];
}

function more({ details }) {
  const count = typeof details.contacts === "number" ? `: ${number(details.contacts)}` : "";
  if (details.run) return [count, " – ", h("a", { href: `#/history/${details.run}` }, "the run")];
  if (count) return count;
  if (details.byAdministratorOf) return ", as an administrator of the organisation, and kept its contacts";
  if (details.contacts) return details.contacts === "delete" ? ", and deleted its contacts" : ", and kept its contacts";
  return details.name ? `: ${details.name}` : "";
}

function configured({ details }, labels, first) {
  const names = Object.keys(details);
  if (!names.length)
    return { true: " for the first time, as it was proposed", false: ", without a change" }[first] || "";
  return [
    first ? " for the first time" : "",
    h(
      "ul",
      { class: "fields" },
      names.map((name) => h("li", {}, `${SETTING[name] || name}: `, difference(name, ...details[name], labels))),
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
  return parts.length ? parts.flatMap((one, n) => (n ? [", ", one] : [one])) : "in another order";
}

function valueOf(name, value) {
  if (value === null || value === false) return "off";
  if (value === true) return "on";
  if (name === "removalGuard") return `more than ${value.percent} percent and more than ${value.minimum} contacts`;
  return (CONFLICT[value] || DELETION[value])?.label || String(value);
}
