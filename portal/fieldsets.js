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
import { t } from "./words.js";

const LIMITS = ["percent", "minimum"];
const CONFLICT = ["source_wins", "keep_local"];
const DELETION = ["unlink", "hard_delete"];
const PHONES = ["as_written", "e164"];

export const part = (name, ...children) => h("fieldset", { class: "box" }, h("legend", {}, t(name)), ...children);

/** Field Mappings. `fields` is what the API offers, `sample` a real person's values by directory field, with a name. */
export function mappings(choices, fields, sample, change) {
  const { chosen } = choices;
  const problems = { ...choices.problems, ...misfits(choices, fields) };
  const next = proposal(choices, fields);
  const add = () => {
    change((now) => addMapping(now, next));
    document.getElementById(`source-${chosen.fieldMappings.length}`).focus();
  };
  const heads = [t("form.source"), "", t("form.target"), t("form.sample"), ""];
  return part(
    "setting.fieldMappings",
    h("p", { class: "quiet" }, t("form.mappings")),
    h(
      "div",
      { class: "mappings", id: "mappings" },
      h(
        "div",
        { class: "mapping heads", "aria-hidden": "true" },
        heads.map((text) => h("span", {}, text)),
      ),
      h(
        "ol",
        {},
        chosen.fieldMappings.map((mapping, place) => mappingRow(mapping, place, problems, fields, sample, change)),
      ),
    ),
    h(
      "div",
      { class: "row" },
      h("button", { type: "button", id: "add-mapping", disabled: !next, onclick: add }, t("form.add")),
      sample.name ? h("span", { class: "small" }, t("form.sample.of", { name: sample.name })) : null,
    ),
    h("p", { class: "problem" }, problems.fieldMappings || ""),
  );
}

function mappingRow(mapping, place, problems, fields, sample, change) {
  const label = fields.contactFields.find((one) => one.name === mapping.target)?.label || mapping.target;
  const select = (kind, text, offered) =>
    fieldSelect(`${kind}-${place}`, text, offered, mapping[kind], problems[`fieldMappings[${place}].${kind}`], (name) =>
      change((now) => changeMapping(now, place, kind, name)),
    );
  const remove = () => {
    change((now) => removeMapping(now, place));
    document.getElementById("add-mapping").focus();
    announce(t("form.removed", { label }));
  };
  return h(
    "li",
    { class: "mapping" },
    select("source", t("form.source.of", { label }), fields.directoryFields),
    h("span", { class: "arrow", "aria-hidden": "true" }, "→"),
    select("target", t("form.target.of", { n: place + 1 }), fields.contactFields),
    h("span", { class: "sample" }, sample.values[mapping.source] || t("form.sample.none")),
    h(
      "button",
      {
        type: "button",
        class: "plain",
        id: `remove-${place}`,
        "aria-label": t("form.remove", { label }),
        onclick: remove,
      },
      t("button.remove"),
    ),
  );
}

function fieldSelect(id, text, offered, value, wrong, choosing) {
  const options = offered.map((one) =>
    h("option", { value: one.name }, one.custom ? t("form.custom", { label: one.label }) : one.label),
  );
  const onchange = (event) => choosing(event.target.value);
  return h(
    "div",
    {},
    h("select", { id, value, "aria-label": text, onchange, ...wrongness(id, wrong) }, options),
    wrongText(id, wrong),
  );
}

export const conflict = (choices, change) => choice("conflictResolution", CONFLICT, choices, change);
export const deletion = (choices, change) => choice("deletionBehavior", DELETION, choices, change);
export const phones = (choices, change) => choice("phoneNumbers", PHONES, choices, change);

/** A question with answers of which the first is the recommended one. */
function choice(name, values, { chosen }, change) {
  return part(
    `setting.${name}`,
    h("p", { class: "quiet" }, t(`answer.${name}.when`)),
    h(
      "div",
      { class: "answers" },
      values.map((value, n) =>
        h(
          "label",
          { class: "choice answer" },
          h("input", {
            type: "radio",
            name,
            value,
            id: `${name}-${value}`,
            checked: chosen[name] === value,
            onchange: () => change((now) => choose(now, name, value)),
          }),
          h(
            "span",
            {},
            h("strong", {}, t(`answer.${name}.${value}`)),
            n ? null : h("span", { class: "tag linked" }, t("recommended")),
            h("span", { class: "consequence" }, t(`answer.${name}.${value}.told`)),
          ),
        ),
      ),
    ),
  );
}

export function guard({ chosen, problems }, change) {
  const turn = (event) => {
    const on = event.target.checked;
    change((now) => guardRemovals(now, on));
  };
  return part(
    "setting.removalGuard",
    h(
      "label",
      { class: "choice" },
      h("input", { type: "checkbox", id: "guard", checked: chosen.removalGuard !== null, onchange: turn }),
      h("span", {}, t("form.guard")),
    ),
    chosen.removalGuard &&
      h(
        "div",
        { class: "pair" },
        LIMITS.map((name) => limit(name, chosen.removalGuard[name], problems[`removalGuard.${name}`], change)),
      ),
  );
}

function limit(name, value, wrong, change) {
  const id = `guard-${name}`;
  const typed = (event) => {
    const now = event.target.value;
    change((choices) => limitRemovals(choices, name, now));
  };
  return h(
    "label",
    {},
    h("span", { class: "small" }, t(`form.guard.${name}`)),
    h("input", { type: "number", min: "0", id, value: String(value), oninput: typed, ...wrongness(id, wrong) }),
    wrongText(id, wrong),
  );
}

export const wrongness = (id, wrong) => (wrong ? { "aria-invalid": "true", "aria-describedby": `${id}-wrong` } : {});

export const wrongText = (id, wrong) => wrong && h("span", { class: "problem", id: `${id}-wrong` }, wrong);
