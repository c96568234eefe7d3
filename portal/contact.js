// A contact's card: its values and where they come from; edit and remove.

import { ENTRA, call, get, offeredFields } from "./api.js";
import { announce, h, say } from "./dom.js";
import { editDialog, nameOf, theList, valueOf } from "./edit.js";
import { ask, back, facts, time } from "./parts.js";
import { own, rich, t } from "./words.js";

export async function contactView(stage, id) {
  const list = await theList();
  const path = `contact-lists/${list.id}/contacts/${id}`;
  const [fields, contact, configuration] = await Promise.all([offeredFields(), get(path), get(`${ENTRA}/config`)]);
  const source = new Map(fields.directoryFields.map((one) => [one.name, one.label]));
  const problem = h("p", { class: "problem", role: "alert" });
  draw(contact);

  function draw(shown) {
    stage.name(nameOf(shown));
    const rows = fields.contactFields
      .filter((field) => valueOf(shown, field) || own(shown.origins, field.name))
      .map((field) => [
        field.label,
        [
          h("span", { "data-field": field.name }, valueOf(shown, field) || "–"),
          h("span", { class: "origin" }, origin(shown, field.name)),
          h("span", { class: "origin" }, typedBefore(shown, field.name)),
        ],
      ]);
    stage.place.replaceChildren(
      back("#/contacts", list.name),
      h("p", { class: "quiet", id: "link" }, linkOf(shown)),
      facts(rows),
      problem,
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", id: "edit", onclick: edit }, t("button.edit")),
        h("button", { type: "button", id: "remove", class: "danger", onclick: remove }, t("button.remove")),
        h("a", { class: "button", id: "person-history", href: `#/entra/history?person=${id}` }, t("contact.history")),
      ),
    );
  }

  function linkOf({ linked, left, leftAt }) {
    if (!left) return t(linked ? "contact.linked" : "contact.local");
    return leftAt ? rich("contact.left.since", { when: time(leftAt) }) : t("contact.left");
  }

  function origin(shown, name) {
    const from = own(shown.origins, name);
    if (!from) return shown.linked && valueOf(shown, { name }) ? t("contact.own") : "";
    const field = source.get(from.directoryField) || from.directoryField;
    if (!from.edited) {
      const text = t("contact.from", { field });
      return shown.syncedAt ? [`${text}, `, time(shown.syncedAt)] : text;
    }
    const value = from.directoryValue;
    const theirs = value ? t("contact.says", { value }) : t("contact.says.nothing");
    if (configuration.conflictResolution === "source_wins") return t("contact.replaced", { theirs });
    return t(valueOf(shown, { name }) ? "contact.kept" : "contact.emptied", { theirs });
  }

  /** A contact that a person made and a sync linked later: where the person had typed something. */
  function typedBefore(shown, name) {
    return shown.typed.includes(name) ? t("contact.typed") : "";
  }

  /** What the next sync does with a value that a person types; "" where it leaves it alone. */
  function fate(name, value) {
    const from = own(contact.origins, name);
    if (!from || value === (from.directoryValue || "")) return "";
    const theirs = from.directoryValue;
    if (configuration.conflictResolution === "source_wins")
      return t(theirs ? "contact.fate.replaced" : "contact.fate.emptied", { value: theirs });
    return value || !theirs ? "" : t("contact.fate.filled", { value: theirs });
  }

  async function edit() {
    const changed = await editDialog(
      t("contact.edit", { name: nameOf(contact) }),
      contact,
      fields,
      async (body) => (await call("PATCH", path, body)).body,
      fate,
    );
    if (!changed) return;
    announce(t("contact.saved"));
    Object.assign(contact, await get(path));
    draw(contact);
    document.getElementById("edit").focus();
  }

  async function remove() {
    const text =
      contact.linked && configuration.conflictResolution === "source_wins"
        ? t("contact.remove.back")
        : t("contact.remove.gone");
    const title = t("contact.remove", { name: nameOf(contact) });
    if (!(await ask(title, text, t("button.remove"), t("button.cancel"), true))) return;
    try {
      await call("DELETE", path);
      announce(t("contact.removed"));
      location.hash = "#/contacts";
    } catch (error) {
      say(problem, error.message);
    }
  }
}
