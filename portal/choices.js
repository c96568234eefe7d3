// What an administrator chose and has not saved yet. Pure: each function takes choices and gives new ones.
// `saved` is the configuration as the API told it, `chosen` as the form shows it, `problems` what is wrong by field.

const MAPPING = /^fieldMappings\[(\d+)\]\.(\w+)$/;
const GUARD = { minimum: 20, percent: 10 };

/** Choices at the beginning. Before the first save the default mappings are chosen. */
export function begin(saved, defaultMappings) {
  const fieldMappings = saved.fieldMappings.length ? saved.fieldMappings : defaultMappings;
  return { saved, chosen: { ...saved, fieldMappings }, problems: {} };
}

export const isUnsaved = ({ saved, chosen }) => !isEqual(saved, chosen);

/** Another value of one setting, such as `conflictResolution`. What was wrong before is not said any more. */
export function choose(choices, name, value) {
  return { ...choices, chosen: { ...choices.chosen, [name]: value }, problems: {} };
}

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
export function store(choices, sent, saved) {
  const later = Object.entries(choices.chosen).filter(([name, value]) => !isEqual(value, sent[name]));
  return { saved, chosen: { ...saved, ...Object.fromEntries(later) }, problems: {} };
}

/** The name of a field as a person counts: "Mapping 3, contact field" for `fieldMappings[2].target`. */
export function nameOf(field) {
  const [, place, part] = MAPPING.exec(field) || [];
  return place === undefined
    ? field
    : `Mapping ${Number(place) + 1}, ${part === "target" ? "contact field" : "directory field"}`;
}

const isEqual = (one, other) => JSON.stringify(one) === JSON.stringify(other);
