// What two administrators changed at once, field by field, and whose value is taken.

import { h } from "./dom.js";
import { isText, t } from "./words.js";

/** `conflicts` of choices.js; `take` is called with one of them and a value. `labels` are the fields' by name. */
export function merging({ conflicts, at }, chosenOf, labels, take) {
  if (!conflicts.length) return h("p", {}, t("merge.none"));
  return [
    h("p", {}, t("merge.text")),
    h(
      "div",
      { class: "conflicts" },
      conflicts.map((one, n) => conflict(one, n, chosenOf(one), labels, take)),
    ),
  ];
}

function conflict(one, n, chosen, labels, take) {
  const title = one.target === null ? t(`setting.${one.name}`) : labels.target.get(one.target) || one.target;
  const option = (whose) => {
    const value = one[whose];
    return h(
      "label",
      { class: "choice" },
      h("input", {
        type: "radio",
        name: `conflict-${n}`,
        id: `conflict-${n}-${whose}`,
        checked: JSON.stringify(chosen) === JSON.stringify(value),
        onchange: () => take(one, value),
      }),
      h("span", {}, h("strong", {}, t(`merge.${whose}`)), " ", textOf(one, value, labels)),
    );
  };
  return h(
    "fieldset",
    { class: "conflict", id: `conflict-${n}` },
    h("legend", {}, title),
    h("p", { class: "small" }, `${t("merge.was")}: ${textOf(one, one.was, labels)}`),
    option("theirs"),
    option("mine"),
  );
}

function textOf({ name, target }, value, labels) {
  if (target !== null) return value ? labels.source.get(value) || value : t("merge.unmapped");
  if (value === null || value === false) return t("value.off");
  if (value === true) return t("value.on");
  if (name === "removalGuard") return t("value.guard", value);
  if (Array.isArray(value)) return t("value.count", { n: value.length });
  return isText(`answer.${name}.${value}`) ? t(`answer.${name}.${value}`) : String(value);
}
