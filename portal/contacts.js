// The contact list for everyone: search, page by page, add, edit, remove; and a contact's card.

import { ENTRA, call, get, post } from "./api.js";
import { announce, ask, h, panel, say, table } from "./dom.js";
import { ago, contacts, exact, number } from "./words.js";

const PAGE = 50;
const TYPING_MS = 250;

async function theList() {
  return (await get("contact-lists")).contactLists[0];
}

const nameOf = (contact) =>
  [contact.firstName, contact.lastName].filter(Boolean).join(" ") ||
  contact.displayName ||
  contact.email ||
  "(no name)";
const valueOf = (contact, field) => (field.custom ? contact.custom[field.name] : contact[field.name]) || "";

export async function contactsView(stage) {
  const list = await theList();
  if (!list) {
    stage.place.replaceChildren(
      panel(
        "info",
        "No contact list yet",
        h("p", {}, "It appears as soon as an administrator connects Microsoft Entra ID."),
      ),
    );
    return;
  }
  const [fields, told] = await Promise.all([get(`${ENTRA}/fields`), get(`${ENTRA}/status`)]);
  document.querySelector("h1").textContent = list.name;
  document.title = `${list.name} · emu.chat`;
  const holder = h("div", { id: "contacts" });
  const problem = h("p", { class: "problem", role: "alert" });
  const count = h("p", { id: "contacts-count", class: "quiet" });
  const more = h("button", { type: "button", id: "more", onclick: () => load(false) }, "Show more");
  const search = h("input", { type: "search", id: "search", autocomplete: "off", oninput: typed });
  let rows = [];
  let continuation = "";
  let turn = 0;
  let typing;
  stage.onLeave(() => clearTimeout(typing));
  stage.place.replaceChildren(
    h(
      "p",
      { class: "quiet" },
      `${list.description}. ${contacts(told.totals.contacts)}; every member can see and message them.`,
    ),
    h(
      "div",
      { class: "actions" },
      h("label", { class: "grow" }, h("span", { class: "small" }, "Search"), search),
      h("button", { type: "button", id: "add", onclick: add }, "Add a contact"),
    ),
    problem,
    count,
    holder,
    more,
  );

  function typed() {
    clearTimeout(typing);
    typing = setTimeout(() => load(true), TYPING_MS);
  }

  async function load(afresh) {
    const mine = ++turn;
    const wanted = search.value.trim();
    if (afresh) [rows, continuation] = [[], ""];
    const until = rows.length + PAGE;
    say(count, wanted ? "Searching…" : "Loading…");
    try {
      do {
        const query = new URLSearchParams({
          limit: String(until - rows.length),
          continuation,
          ...(wanted ? { search: wanted } : {}),
        });
        const page = await get(`contact-lists/${list.id}/contacts?${query}`);
        if (mine !== turn) return;
        rows.push(...page.contacts);
        continuation = page.continuation || "";
        draw();
      } while (continuation && rows.length < until);
    } catch (error) {
      say(problem, error.message);
    }
    say(
      count,
      wanted ? `${number(rows.length)}${continuation ? " or more" : ""} found` : `${number(rows.length)} shown`,
    );
    announce(count.textContent);
    more.hidden = !continuation;
  }

  function draw() {
    const shown = rows.map((one) =>
      h(
        "tr",
        {},
        h("td", {}, h("a", { href: `#/contacts/${one.id}` }, nameOf(one))),
        h("td", {}, one.email || ""),
        h("td", {}, one.mobilePhone || ""),
        h("td", {}, one.company || ""),
        h(
          "td",
          {},
          one.linked ? h("span", { class: "tag linked" }, "from Entra") : h("span", { class: "tag" }, "local"),
        ),
      ),
    );
    holder.replaceChildren(
      rows.length
        ? table("Contacts", ["Name", "Email", "Mobile phone", "Company", "Source"], shown)
        : h("p", {}, "Nobody here."),
    );
  }

  async function add() {
    const made = await editDialog("Add a contact", {}, fields, (body) =>
      post(`contact-lists/${list.id}/contacts`, body),
    );
    if (made) {
      announce(`${nameOf(made)} is added.`);
      location.hash = `#/contacts/${made.id}`;
    }
  }

  await load(true);
}

export async function contactView({ place }, id) {
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
    document.querySelector("h1").textContent = nameOf(shown);
    const rows = fields.contactFields
      .filter((field) => valueOf(shown, field) || shown.origins?.[field.name])
      .map((field) =>
        h(
          "div",
          {},
          h("dt", {}, field.label),
          h(
            "dd",
            {},
            h("span", { "data-field": field.name }, valueOf(shown, field) || "–"),
            h("span", { class: "origin" }, origin(shown, field.name)),
          ),
        ),
      );
    place.replaceChildren(
      h("p", { class: "links" }, h("a", { href: "#/contacts" }, `← ${list.name}`)),
      h(
        "p",
        { class: "quiet" },
        shown.linked
          ? "Linked to Microsoft Entra ID."
          : "Not linked to Microsoft Entra ID: nobody but people in emu.chat changes it.",
      ),
      h("dl", { class: "facts card-fields" }, rows),
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
      return h(
        "time",
        { datetime: shown.syncedAt, title: exact(shown.syncedAt) },
        `from Entra (${field}), ${ago(shown.syncedAt)}`,
      );
    }
    const theirs = from.directoryValue ? `Entra says “${from.directoryValue}”` : "empty in Entra";
    if (configuration.conflictResolution === "source_wins")
      return `edited here; ${theirs}. Your edit will be replaced at the next sync`;
    return valueOf(shown, { name })
      ? `edited here and kept; ${theirs}`
      : `emptied here; ${theirs}. It is filled again at the next sync`;
  }

  async function edit() {
    const changed = await editDialog(
      `Edit ${nameOf(contact)}`,
      contact,
      fields,
      async (body) => (await call("PATCH", path, body)).body,
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

/** A form for a contact's fields. Sends only what changed; gives what was stored, null when it was left. */
function editDialog(title, contact, fields, send) {
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
