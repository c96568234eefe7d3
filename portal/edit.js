// What the list and a contact's card share: a contact's name and values, and the form that edits them.

import { get } from "./api.js";
import { h, say } from "./dom.js";
import { textOf } from "./parts.js";
import { own, t } from "./words.js";

export async function theList() {
  return (await get("contact-lists")).contactLists[0];
}

export const nameOf = (contact) =>
  [contact.firstName, contact.lastName].filter(Boolean).join(" ") ||
  contact.displayName ||
  contact.email ||
  t("no.name");
export const valueOf = (contact, field) => own(field.custom ? contact.custom : contact, field.name) || "";

/**
 * A form for a contact's fields. Sends only what changed; gives what was stored, null when it was left. `warn` says, of a
 * field's name and the value as it is typed, what a sync will do with it ("" where nothing).
 */
export function editDialog(title, contact, fields, send, warn = () => "") {
  return new Promise((resolve) => {
    const problem = h("p", { class: "problem", role: "alert", id: "edit-problem" });
    const inputs = fields.contactFields.map((field) => inputOf(field, contact.id ? valueOf(contact, field) : "", warn));
    const close = (value) => {
      dialog.close();
      dialog.remove();
      resolve(value);
    };
    const submit = async (event) => {
      event.preventDefault();
      try {
        close(await send(changesOf(inputs)));
      } catch (error) {
        say(problem, textOf(error));
        for (const { field, wrong, input } of inputs) {
          const reason = own(error.fields, field.name) || "";
          say(wrong, reason);
          input.setAttribute("aria-invalid", String(Boolean(reason)));
        }
      }
    };
    const dialog = h(
      "dialog",
      { "aria-labelledby": "edit-title", oncancel: () => close(null) },
      h("h2", { id: "edit-title" }, title),
      h(
        "form",
        { novalidate: true, onsubmit: submit },
        h(
          "div",
          { class: "grid" },
          inputs.map((one) => one.label),
        ),
        problem,
        h(
          "div",
          { class: "actions" },
          h("button", { type: "button", onclick: () => close(null) }, t("button.cancel")),
          h("button", { type: "submit", class: "primary", id: "edit-save" }, t("button.save")),
        ),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}

function inputOf(field, before, warn) {
  const id = `edit-${field.name}`;
  const type = { email: "email", phone: "tel" }[field.kind] || "text";
  const wrong = h("span", { class: "problem", id: `${id}-wrong` });
  const warning = h("span", { class: "warning", id: `${id}-warning`, role: "status" });
  const typed = (event) => {
    const value = event.target.value.trim();
    say(warning, value === before ? "" : warn(field.name, value));
  };
  const input = h("input", {
    type,
    id,
    value: before,
    autocomplete: "off",
    "aria-describedby": `${wrong.id} ${warning.id}`,
    oninput: typed,
  });
  // The messages stand beside the label, not in it: they describe the field and do not name it.
  const label = h(
    "div",
    {},
    h("label", { for: id }, h("span", { class: "small" }, field.label)),
    input,
    wrong,
    warning,
  );
  return { field, before, input, wrong, label };
}

/** The fields that differ from before, as the API takes them: null empties one. */
function changesOf(inputs) {
  const body = {};
  for (const { field, before, input } of inputs) {
    const after = input.value.trim();
    if (after === before) continue;
    if (field.custom) body.custom = { ...body.custom, [field.name]: after || null };
    else body[field.name] = after || null;
  }
  return body;
}
