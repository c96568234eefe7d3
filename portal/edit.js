// What the list and a contact's card share: a contact's name and values, and the form that edits them.

import { get } from "./api.js";
import { h, say } from "./dom.js";

export async function theList() {
  return (await get("contact-lists")).contactLists[0];
}

export const nameOf = (contact) =>
  [contact.firstName, contact.lastName].filter(Boolean).join(" ") ||
  contact.displayName ||
  contact.email ||
  "(no name)";
export const valueOf = (contact, field) => (field.custom ? contact.custom[field.name] : contact[field.name]) || "";

/** A form for a contact's fields. Sends only what changed; gives what was stored, null when it was left. */
export function editDialog(title, contact, fields, send) {
  return new Promise((resolve) => {
    const problem = h("p", { class: "problem", role: "alert", id: "edit-problem" });
    const inputs = fields.contactFields.map((field) => {
      const before = contact.id ? valueOf(contact, field) : "";
      const type = { email: "email", phone: "tel" }[field.kind] || "text";
      return {
        field,
        before,
        input: h("input", { type, id: `edit-${field.name}`, value: before, autocomplete: "off" }),
        wrong: h("span", { class: "problem" }),
      };
    });
    const close = (value) => {
      dialog.close();
      dialog.remove();
      resolve(value);
    };
    const submit = async (event) => {
      event.preventDefault();
      const body = {};
      for (const { field, before, input } of inputs) {
        const after = input.value.trim();
        if (after === before) continue;
        if (field.custom) body.custom = { ...body.custom, [field.name]: after || null };
        else body[field.name] = after || null;
      }
      try {
        close(await send(body));
      } catch (error) {
        say(problem, error.message);
        for (const { field, wrong, input } of inputs) {
          say(wrong, error.fields?.[field.name] || "");
          if (error.fields?.[field.name]) input.setAttribute("aria-invalid", "true");
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
          inputs.map(({ field, input, wrong }) =>
            h("label", {}, h("span", { class: "small" }, field.label), input, wrong),
          ),
        ),
        problem,
        h(
          "div",
          { class: "actions" },
          h("button", { type: "button", onclick: () => close(null) }, "Cancel"),
          h("button", { type: "submit", class: "primary", id: "edit-save" }, "Save"),
        ),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}
