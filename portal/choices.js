// What an administrator chose and has not saved yet. Pure: each function takes choices and gives new ones.
// `saved` is the configuration as the API told it, `chosen` as the form shows it, `problems` what is wrong by field.

const FIELD = {
  "removalGuard.percent": "Protection against accidental removals, percent",
  "removalGuard.minimum": "Protection against accidental removals, contacts",
};
const MAPPING = /^fieldMappings\[(\d+)\]\.(\w+)$/;
const GUARD = { minimum: 20, percent: 10 };

/** Choices at the beginning: what is saved. */
export const begin = (saved) => ({ saved, chosen: saved, problems: {} });

/** Choices that go on from a draft: its changes of `base`, laid over what is saved now. */
export const resume = (saved, { base, chosen }) => ({ saved, chosen: laidOver(saved, base, chosen), problems: {} });

/** The settings that a draft changes, and that were also saved differently since the draft began, by name. */
export function overtaken(saved, { base, chosen }) {
  return Object.keys(changesOf(base, chosen)).filter((name) => name in saved && !isEqual(saved[name], base[name]));
}

export const isUnsaved = ({ saved, chosen }) => !isEqual(saved, chosen);

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
    const doesNotFit = `${target.label} takes ${ARTICLE[target.kind]}, and ${source.label} is not one`;
    if (isTwice) problems[`fieldMappings[${place}].target`] = `${target.label} is mapped twice`;
    else if (!isFit(source, target)) problems[`fieldMappings[${place}].target`] = doesNotFit;
  });
  return problems;
}

const ARTICLE = { email: "an email address", phone: "a phone number" };
const isFit = (source, target) => target.kind === "text" || target.kind === source.kind;

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
  return Object.fromEntries(wrong.map(([name]) => [`removalGuard.${name}`, "must be a whole number"]));
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
  if (place === undefined) return FIELD[field] || "";
  return `Mapping ${Number(place) + 1}, ${part === "target" ? "contact field" : "directory field"}`;
}

const isEqual = (one, other) => JSON.stringify(one) === JSON.stringify(other);
