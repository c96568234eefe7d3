// A contact's card: its values and where they come from; edit and remove.

import { ENTRA, call, get } from "./api.js";
import { announce, h, say } from "./dom.js";
import { editDialog, nameOf, theList, valueOf } from "./edit.js";
import { ask, back, facts, time } from "./parts.js";

export async function contactView(stage, id) {
  const list = await theList();
  const path = `contact-lists/${list.id}/contacts/${id}`;
  const [fields, contact, configuration] = await Promise.all([
    get(`${ENTRA}/fields`),
    get(path),
    get(`${ENTRA}/config`),
  ]);
  const source = new Map(fields.directoryFields.map((one) => [one.name, one.label]));
  const problem = h("p", { class: "problem", role: "alert" });
  draw(contact);

  function draw(shown) {
    stage.name(nameOf(shown));
    const rows = fields.contactFields
      .filter((field) => valueOf(shown, field) || shown.origins?.[field.name])
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
      h(
        "p",
        { class: "quiet" },
        shown.linked
          ? "Linked to Microsoft Entra ID."
          : "Not linked to Microsoft Entra ID: nobody but people in emu.chat changes it.",
      ),
      facts(rows),
      problem,
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", id: "edit", onclick: edit }, "Edit"),
        h("button", { type: "button", id: "remove", class: "danger", onclick: remove }, "Remove"),
      ),
    );
  }

  function origin(shown, name) {
    const from = shown.origins?.[name];
    if (!from) return shown.linked && valueOf(shown, { name }) ? "added in emu.chat; the sync never touches it" : "";
    const field = source.get(from.directoryField) || from.directoryField;
    if (!from.edited) {
      if (!shown.syncedAt) return `from Entra (${field})`;
      return [`from Entra (${field}), `, time(shown.syncedAt)];
    }
    const theirs = from.directoryValue ? `Entra says “${from.directoryValue}”` : "empty in Entra";
    if (configuration.conflictResolution === "source_wins")
      return `edited here; ${theirs}. Your edit will be replaced at the next sync`;
    return valueOf(shown, { name })
      ? `edited here and kept; ${theirs}`
      : `emptied here; ${theirs}. It is filled again at the next sync`;
  }

  /** A contact that a person made and a sync linked later: where the person had typed something. */
  function typedBefore(shown, name) {
    return shown.typed.includes(name) ? "a person had typed a value here before the sync linked this contact" : "";
  }

  /** What the next sync does with a value that a person types; "" where it leaves it alone. */
  function fate(name, value) {
    const from = contact.origins?.[name];
    if (!from || value === (from.directoryValue || "")) return "";
    const theirs = from.directoryValue ? `“${from.directoryValue}”, as Entra says` : "nothing, as in Entra";
    if (configuration.conflictResolution === "source_wins") return `The next sync replaces this by ${theirs}.`;
    return value || !from.directoryValue ? "" : `The next sync fills this again with ${theirs}.`;
  }

  async function edit() {
    const changed = await editDialog(
      `Edit ${nameOf(contact)}`,
      contact,
      fields,
      async (body) => (await call("PATCH", path, body)).body,
      fate,
    );
    if (!changed) return;
    announce("Saved.");
    Object.assign(contact, await get(path));
    draw(contact);
    document.getElementById("edit").focus();
  }

  async function remove() {
    const text =
      contact.linked && configuration.conflictResolution === "source_wins"
        ? "The next sync brings this person back, because the directory wins."
        : "This person's contact goes away for everybody in the workspace.";
    if (!(await ask(`Remove ${nameOf(contact)}?`, text, "Remove", "Cancel", true))) return;
    try {
      await call("DELETE", path);
      announce("Removed.");
      location.hash = "#/contacts";
    } catch (error) {
      say(problem, error.message);
    }
  }
}
