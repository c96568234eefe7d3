// What an administrator chose and has not saved yet. Pure: each function takes choices and gives new ones.
// `saved` is the configuration as the API told it, `chosen` as the form shows it, `problems` what is wrong by field.

import { isText, t } from "./words.js";

const MAPPING = /^fieldMappings\[(\d+)\]\.(\w+)$/;
const GUARD = { minimum: 20, percent: 10 };

/** Choices at the beginning: what is saved. */
export const begin = (saved) => ({ saved, chosen: saved, problems: {} });

/**
 * Choices that go on from a draft, its changes of `base` laid over what is saved now: of the mappings each contact field by itself. `conflicts` are the places that were also saved
 * differently since the draft began: `{name, target, was, theirs, mine}`, with `target` for a mapping and else null. There
 * the draft's choice stands, until another one is taken.
 */
export function merge(saved, { base, chosen }) {
  const mine = changesOf(base, chosen);
  const conflicts = Object.keys(mine)
    .filter((name) => name in saved && name !== "fieldMappings" && !isEqual(saved[name], base[name]))
    .filter((name) => !isEqual(saved[name], chosen[name]))
    .map((name) => ({ name, target: null, was: base[name], theirs: saved[name], mine: chosen[name] }));
  const laid = laidOver(saved, base, chosen);
  if (mine.fieldMappings && saved.fieldMappings && !isEqual(saved.fieldMappings, base.fieldMappings)) {
    const [was, theirs, ours] = [base, saved, chosen].map(({ fieldMappings }) => sourcesOf(fieldMappings));
    const targets = [...new Set([...theirs.keys(), ...ours.keys()])];
    const merged = new Map();
    for (const target of new Set([...targets, ...was.keys()])) {
      const [before, their, our] = [was, theirs, ours].map((one) => one.get(target) ?? null);
      const taken = our === before ? their : our;
      if (taken) merged.set(target, taken);
      if (our !== before && their !== before && our !== their)
        conflicts.push({ name: "fieldMappings", target, was: before, theirs: their, mine: our });
    }
    laid.fieldMappings = [...merged].map(([target, source]) => ({ source, target }));
  }
  return { choices: { saved, chosen: laid, problems: {} }, conflicts };
}

/** Choices with one conflict decided: `value` is what was there, theirs or mine. */
export function settle(choices, { name, target }, value) {
  if (target === null) return choose(choices, name, value);
  const others = choices.chosen.fieldMappings.filter((one) => one.target !== target);
  const place = choices.chosen.fieldMappings.findIndex((one) => one.target === target);
  const mappings =
    value === null ? others : others.toSpliced(place < 0 ? others.length : place, 0, { source: value, target });
  return choose(choices, "fieldMappings", mappings);
}

const sourcesOf = (mappings) => new Map(mappings.map(({ source, target }) => [target, source]));

export const isUnsaved = ({ saved, chosen }) => !isEqual(saved, chosen);

/** How many changes are not saved: each setting counts, and each mapping that came, went or became another. */
export function changeCount({ saved, chosen }) {
  const names = Object.keys(changesOf(saved, chosen));
  if (!names.includes("fieldMappings")) return names.length;
  const [was, now] = [sourcesOf(saved.fieldMappings), sourcesOf(chosen.fieldMappings)];
  const changed = [...new Set([...was.keys(), ...now.keys()])].filter((target) => was.get(target) !== now.get(target));
  return names.length - 1 + Math.max(changed.length, 1);
}

/** Another value of one setting, such as `conflictResolution`. What was wrong before is not said any more. */
export function choose(choices, name, value) {
  return { ...choices, chosen: { ...choices.chosen, [name]: value }, problems: {} };
}

/** A mapping to propose next, of fields that are not mapped yet and fit each other; null where every target is taken. */
export function proposal({ chosen }, { directoryFields, contactFields }) {
  const isMapped = (part, one) => chosen.fieldMappings.some((mapping) => mapping[part] === one.name);
  const sources = directoryFields.filter((one) => !isMapped("source", one));
  const targets = contactFields.filter((one) => !isMapped("target", one));
  const alike = targets.find((target) => sources.some((one) => one.name === target.name && isFit(one, target)));
  if (alike) return { source: alike.name, target: alike.name };
  for (const target of targets) {
    const source = [...sources, ...directoryFields].find((one) => isFit(one, target));
    if (source) return { source: source.name, target: target.name };
  }
  return null;
}

/** Mappings that the API would refuse, by field, in its words: known while they are chosen, not only after saving. */
export function misfits({ chosen }, { directoryFields, contactFields }) {
  const found = (offered, name) => offered.find((one) => one.name === name) || { label: name, kind: "text" };
  const problems = {};
  chosen.fieldMappings.forEach((mapping, place) => {
    const [source, target] = [found(directoryFields, mapping.source), found(contactFields, mapping.target)];
    const isTwice = chosen.fieldMappings.findIndex((one) => one.target === mapping.target) !== place;
    const wrong = isTwice ? t("form.twice", { label: target.label }) : misfit(source, target);
    if (wrong) problems[`fieldMappings[${place}].target`] = wrong;
  });
  return problems;
}

const isFit = (source, target) => target.kind === "text" || target.kind === source.kind;

const misfit = (source, target) =>
  isFit(source, target) ? "" : t(`form.misfit.${target.kind}`, { source: source.label, target: target.label });

export const addMapping = (choices, mapping) =>
  choose(choices, "fieldMappings", [...choices.chosen.fieldMappings, mapping]);

/** `part` of the mapping at `place`, "source" or "target", becomes the field `name`. */
export function changeMapping(choices, place, part, name) {
  const changed = choices.chosen.fieldMappings.map((one, n) => (n === place ? { ...one, [part]: name } : one));
  return choose(choices, "fieldMappings", changed);
}

export function removeMapping(choices, place) {
  return choose(
    choices,
    "fieldMappings",
    choices.chosen.fieldMappings.filter((_, n) => n !== place),
  );
}

/** Operators that look at values; the others ask only whether there is one. */
export const COMPARING = ["is", "is_not", "starts_with", "ends_with", "contains"];
export const OPERATORS = [...COMPARING, "is_empty", "is_not_empty"];
const RULE = /^scopeRules\[(\d+)\]/;

export const addRule = (choices, field) =>
  choose(choices, "scopeRules", [...choices.chosen.scopeRules, { field, operator: "is", values: [] }]);

/** Another field, operator or values of the rule at `place`. An operator that looks at no values drops them. */
export function changeRule(choices, place, changes) {
  const changed = choices.chosen.scopeRules.map((one, n) => {
    const rule = n === place ? { ...one, ...changes } : one;
    return COMPARING.includes(rule.operator) ? rule : { ...rule, values: [] };
  });
  return choose(choices, "scopeRules", changed);
}

export const removeRule = (choices, place) =>
  choose(choices, "scopeRules", choices.chosen.scopeRules.toSpliced(place, 1));

/** The values that a person typed, one a line. */
export const valuesOf = (text) => [
  ...new Set(
    text
      .split("\n")
      .map((one) => one.trim())
      .filter(Boolean),
  ),
];

/** Whether each rule says enough to be tried. */
export const areRulesWhole = ({ chosen }) =>
  chosen.scopeRules.every(({ operator, values }) => !COMPARING.includes(operator) || values.length);

/** Leave a person out, by object id, or let them in again. */
export function exclude(choices, id, isOut) {
  const others = choices.chosen.excludedPeople.filter((one) => one !== id);
  return choose(choices, "excludedPeople", isOut ? [...others, id] : others);
}

/** The guard against accidental removals, on with its limits of before, or off. */
export const guardRemovals = (choices, on) =>
  choose(choices, "removalGuard", on ? choices.saved.removalGuard || GUARD : null);

/** A limit of the guard, "minimum" or "percent", as a person typed it: a number, or the text where it is none. */
export function limitRemovals(choices, name, text) {
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : text;
  return choose(choices, "removalGuard", { ...choices.chosen.removalGuard, [name]: limit });
}

/** What cannot even be sent, by field. Everything else is the API's to judge. */
export function unsendable({ chosen }) {
  const wrong = Object.entries(chosen.removalGuard || {}).filter(([, limit]) => typeof limit !== "number");
  return Object.fromEntries(wrong.map(([name]) => [`removalGuard.${name}`, t("form.number")]));
}

/** The API refused, and said what is wrong by field. */
export const refuse = (choices, problems) => ({ ...choices, problems });

/** `sent` is saved as `saved`. What was chosen since then stays chosen. */
export const store = (choices, sent, saved) => ({
  saved,
  chosen: laidOver(saved, sent, choices.chosen),
  problems: {},
});

const changesOf = (base, chosen) =>
  Object.fromEntries(Object.entries(chosen).filter(([name, value]) => !isEqual(value, base[name])));

const laidOver = (saved, base, chosen) => ({ ...saved, ...changesOf(base, chosen) });

/** The name of a field as a person counts: "Mapping 3, contact field" for `fieldMappings[2].target`; "" for others. */
export function nameOf(field) {
  const [, place, part] = MAPPING.exec(field) || [];
  if (place !== undefined) return t(`form.mapping.${part}`, { n: Number(place) + 1 });
  const [, rule] = RULE.exec(field) || [];
  if (rule !== undefined) return t("rule.number", { n: Number(rule) + 1 });
  return isText(`form.field.${field}`) ? t(`form.field.${field}`) : "";
}

const isEqual = (one, other) => JSON.stringify(one) === JSON.stringify(other);
