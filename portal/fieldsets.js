// The parts of the configuration's form, a function each: what is chosen in, elements out. `change` takes what becomes of
// the choices at the moment of a click, so that no part ever holds choices of earlier.

import {
  addMapping,
  changeMapping,
  choose,
  guardRemovals,
  limitRemovals,
  misfits,
  proposal,
  removeMapping,
} from "./choices.js";
import { announce, h } from "./dom.js";
import { CONFLICT, DELETION, number } from "./words.js";

const SWITCHES = [
  ["includeGuests", "Guests", "Include guest accounts"],
  ["includeDisabled", "Disabled accounts", "Include accounts that are disabled, such as leavers and rooms"],
];
const LIMITS = [
  ["percent", "If more than this percent of the list"],
  ["minimum", "and more than this many contacts"],
];

/** Field Mappings. `fields` is what the API offers. */
export function mappings(choices, fields, change) {
  const { chosen } = choices;
  const problems = { ...choices.problems, ...misfits(choices, fields) };
  const next = proposal(choices, fields);
  const add = () => {
    change((now) => addMapping(now, next));
    document.getElementById(`source-${chosen.fieldMappings.length}`).focus();
  };
  return h(
    "fieldset",
    { id: "mappings" },
    h("legend", {}, "Field Mappings"),
    h("p", { class: "quiet" }, "Match each directory field to a contact field in your workspace."),
    h(
      "ol",
      { class: "mappings" },
      chosen.fieldMappings.map((mapping, place) => mappingRow(mapping, place, problems, fields, change)),
    ),
    h("button", { type: "button", id: "add-mapping", disabled: !next, onclick: add }, "Add a field"),
    h("p", { class: "problem" }, problems.fieldMappings || ""),
  );
}

function mappingRow(mapping, place, problems, fields, change) {
  const label = fields.contactFields.find((one) => one.name === mapping.target)?.label || mapping.target;
  const select = (part, text, offered) =>
    fieldSelect(`${part}-${place}`, text, offered, mapping[part], problems[`fieldMappings[${place}].${part}`], (name) =>
      change((now) => changeMapping(now, place, part, name)),
    );
  const remove = () => {
    change((now) => removeMapping(now, place));
    document.getElementById("add-mapping").focus();
    announce(`${label} is not mapped any more.`);
  };
  return h(
    "li",
    {},
    select("source", "Directory field", fields.directoryFields),
    h("span", { class: "arrow", "aria-hidden": "true" }, "→"),
    select("target", "Contact field", fields.contactFields),
    h(
      "button",
      {
        type: "button",
        class: "plain",
        id: `remove-${place}`,
        "aria-label": `Remove the mapping to ${label}`,
        onclick: remove,
      },
      "Remove",
    ),
  );
}

function fieldSelect(id, text, offered, value, wrong, choosing) {
  const options = offered.map((one) =>
    h("option", { value: one.name }, one.custom ? `${one.label} (custom)` : one.label),
  );
  return h(
    "label",
    {},
    h("span", { class: "small" }, text),
    h("select", { id, value, onchange: (event) => choosing(event.target.value), ...wrongness(id, wrong) }, options),
    wrongText(id, wrong),
  );
}

export const conflict = (choices, change) =>
  choice(
    "Conflict Resolution",
    "When a contact exists in both systems",
    "conflictResolution",
    CONFLICT,
    choices,
    change,
  );

export const deletion = (choices, change) =>
  choice(
    "Deletion Behavior",
    "When a person is removed from the directory",
    "deletionBehavior",
    DELETION,
    choices,
    change,
  );

function choice(legend, when, name, options, { chosen }, change) {
  return h(
    "fieldset",
    {},
    h("legend", {}, legend),
    h("p", { class: "quiet" }, `${when}:`),
    Object.entries(options).map(([value, { label, told }]) =>
      h(
        "label",
        { class: "choice" },
        h("input", {
          type: "radio",
          name,
          value,
          id: `${name}-${value}`,
          checked: chosen[name] === value,
          onchange: () => change((now) => choose(now, name, value)),
        }),
        h("span", {}, h("strong", {}, label), " ", told),
      ),
    ),
  );
}

/** Who is included. `effects` is whom each switch adds or takes by the newest preview, by its name. */
export function scope({ chosen }, effects, change) {
  return h(
    "fieldset",
    {},
    h("legend", {}, "Who is included"),
    h("p", { class: "quiet" }, "Enabled accounts of your organisation's members always are."),
    SWITCHES.map(([name, short, label]) => {
      const onchange = (event) => {
        const on = event.target.checked;
        change((now) => choose(now, name, on));
      };
      return h(
        "label",
        { class: "choice" },
        h("input", { type: "checkbox", id: name, checked: chosen[name], onchange }),
        h("span", {}, label, effectOf(name, short, effects[name])),
      );
    }),
  );
}

function effectOf(name, short, effect) {
  if (effect === undefined) return null;
  const text = ` ${short}: ${effect > 0 ? "+" : ""}${number(effect)}`;
  return h("span", { class: "effect", id: `${name}-effect` }, text);
}

export function guard({ chosen, problems }, change) {
  const turn = (event) => {
    const on = event.target.checked;
    change((now) => guardRemovals(now, on));
  };
  return h(
    "fieldset",
    {},
    h("legend", {}, "Protection against accidental removals"),
    h(
      "label",
      { class: "choice" },
      h("input", { type: "checkbox", id: "guard", checked: chosen.removalGuard !== null, onchange: turn }),
      h("span", {}, "Ask an administrator before a sync removes unusually many people at once"),
    ),
    chosen.removalGuard &&
      h(
        "div",
        { class: "pair" },
        LIMITS.map(([name, text]) =>
          limit(name, text, chosen.removalGuard[name], problems[`removalGuard.${name}`], change),
        ),
      ),
  );
}

function limit(name, text, value, wrong, change) {
  const id = `guard-${name}`;
  const typed = (event) => {
    const now = event.target.value;
    change((choices) => limitRemovals(choices, name, now));
  };
  return h(
    "label",
    {},
    h("span", { class: "small" }, text),
    h("input", { type: "number", min: "0", id, value: String(value), onchange: typed, ...wrongness(id, wrong) }),
    wrongText(id, wrong),
  );
}

const wrongness = (id, wrong) => (wrong ? { "aria-invalid": "true", "aria-describedby": `${id}-wrong` } : {});

const wrongText = (id, wrong) => wrong && h("span", { class: "problem", id: `${id}-wrong` }, wrong);
