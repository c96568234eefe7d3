// Who is included: two switches, rules, and people who are left out; with whom each of them keeps and leaves out, by the
// newest preview.

import { COMPARING, OPERATORS, addRule, changeRule, choose, exclude, removeRule, valuesOf } from "./choices.js";
import { announce, h } from "./dom.js";
import { part, wrongText, wrongness } from "./fieldsets.js";
import { number, people, t } from "./words.js";

const SWITCHES = [
  ["includeGuests", "form.guests"],
  ["includeDisabled", "form.disabled"],
];
const MOST_RULES = 10;

/** `fields` is what the API offers, `told` the newest preview or null, `isAsked` whether a newer one is under way. */
export function scope(choices, fields, told, isAsked, change) {
  return part(
    "form.scope",
    h("p", { class: "quiet" }, t("form.scope.told")),
    SWITCHES.map(([name, text]) => turn(name, text, choices, told?.switches?.[name], change)),
    rules(choices, fields, told?.rules ?? [], isAsked, change),
    excluded(choices, change),
  );
}

function turn(name, text, { chosen }, effect, change) {
  const onchange = (event) => {
    const on = event.target.checked;
    change((now) => choose(now, name, on));
  };
  return h(
    "label",
    { class: "choice" },
    h("input", { type: "checkbox", id: name, checked: chosen[name], onchange }),
    h("span", {}, t(text), effectOf(name, t(`${text}.short`), effect)),
  );
}

function effectOf(name, short, effect) {
  if (effect === undefined) return null;
  const n = `${effect > 0 ? "+" : ""}${number(effect)}`;
  return h("span", { class: "effect", id: `${name}-effect` }, ` ${t("form.effect", { short, n })}`);
}

function rules(choices, fields, effects, isAsked, change) {
  const all = choices.chosen.scopeRules;
  const add = () => {
    change((now) => addRule(now, "department"));
    document.getElementById(`rule-${all.length}-field`).focus();
  };
  return h(
    "div",
    { class: "rules" },
    h("h2", {}, t("setting.scopeRules")),
    h("p", { class: "quiet" }, t("rule.told")),
    h(
      "ol",
      { id: "rules" },
      all.map((rule, place) => ruleRow(rule, place, choices, fields, isAsked ? null : effects[place], change)),
    ),
    h(
      "div",
      { class: "row" },
      h("button", { type: "button", id: "add-rule", disabled: all.length >= MOST_RULES, onclick: add }, t("rule.add")),
      h("span", { id: "rules-asked", class: "small", role: "status" }, isAsked ? t("rule.asked") : ""),
    ),
  );
}

function ruleRow({ field, operator, values }, place, { problems }, fields, effect, change) {
  const id = `rule-${place}`;
  const [wrong] = Object.entries(problems).find(([name]) => name.startsWith(`scopeRules[${place}]`)) ?? [];
  const apply = (changes) => change((now) => changeRule(now, place, changes));
  const remove = () => {
    change((now) => removeRule(now, place));
    document.getElementById("add-rule").focus();
    announce(t("rule.removed", { n: place + 1 }));
  };
  const names = fields.directoryFields.map((one) => h("option", { value: one.name }, one.label));
  const operators = OPERATORS.map((one) => h("option", { value: one }, t(`operator.${one}`)));
  return h(
    "li",
    { class: "rule" },
    h(
      "select",
      {
        id: `${id}-field`,
        value: field,
        "aria-label": t("rule.field", { n: place + 1 }),
        onchange: (event) => apply({ field: event.target.value }),
      },
      names,
    ),
    h(
      "select",
      {
        id: `${id}-operator`,
        value: operator,
        "aria-label": t("rule.operator", { n: place + 1 }),
        onchange: (event) => apply({ operator: event.target.value }),
      },
      operators,
    ),
    COMPARING.includes(operator)
      ? h("textarea", {
          id: `${id}-values`,
          rows: Math.max(1, values.length),
          placeholder: t("rule.values.hint"),
          "aria-label": t("rule.values", { n: place + 1 }),
          value: values.join("\n"),
          oninput: (event) => apply({ values: valuesOf(event.target.value) }),
          ...wrongness(id, wrong),
        })
      : h("span", {}),
    h(
      "button",
      {
        type: "button",
        class: "plain",
        id: `${id}-remove`,
        "aria-label": t("rule.remove", { n: place + 1 }),
        onclick: remove,
      },
      t("button.remove"),
    ),
    wrongText(id, wrong && problems[wrong]),
    effect ? effectOfRule(id, effect) : null,
  );
}

function effectOfRule(id, { kept, leftOut, onlyThis, keptSample, leftOutSample }) {
  const some = (key, sample, all) =>
    sample.length
      ? h(
          "p",
          { class: "small" },
          t(key, { names: sample.map(nameAndValue).join(", ") }),
          sample.length < all ? " …" : "",
        )
      : null;
  return h(
    "div",
    { class: "rule-effect", id: `${id}-effect` },
    h("p", { class: "effect" }, t("rule.effect", { kept: people(kept), out: people(leftOut), only: onlyThis })),
    some("rule.out", leftOutSample, leftOut),
    some("rule.kept", keptSample, kept),
  );
}

const nameAndValue = ({ name, value }) => `${name || t("no.name")} (${value || t("run.empty")})`;

/** People who are left out whatever the rules say. Their names stand where they were found; here are their ids. */
function excluded({ chosen }, change) {
  const all = chosen.excludedPeople;
  if (!all.length) return null;
  return h(
    "details",
    { id: "excluded" },
    h("summary", {}, t("excluded.title", { n: all.length })),
    h(
      "ul",
      { class: "excluded" },
      all.map((id) =>
        h(
          "li",
          {},
          h("code", {}, id),
          h(
            "button",
            {
              type: "button",
              class: "plain",
              id: `include-${id}`,
              onclick: () => change((now) => exclude(now, id, false)),
            },
            t("excluded.include"),
          ),
        ),
      ),
    ),
  );
}
