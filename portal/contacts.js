// The contact list for everyone: search, page by page, add.

import { ENTRA, get, post } from "./api.js";
import { announce, h, say } from "./dom.js";
import { editDialog, nameOf, theList } from "./edit.js";
import { panel, table, textOf } from "./parts.js";
import { contacts, number } from "./words.js";

const PAGE = 50;
const TYPING_MS = 250;

export async function contactsView(stage, sought = "") {
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
  stage.name(list.name);
  const holder = h("div", { id: "contacts" });
  const problem = h("p", { class: "problem", role: "alert" });
  const count = h("p", { id: "contacts-count", class: "quiet" });
  const more = h("button", { type: "button", id: "more", hidden: true, onclick: () => load(false) }, "Show more");
  const search = h("input", { type: "search", id: "search", value: sought, autocomplete: "off", oninput: typed });
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
    stage.readdress(wanted ? `#/contacts?search=${encodeURIComponent(wanted)}` : "#/contacts");
    say(problem, "");
    say(count, wanted ? "Searching…" : "Loading…");
    try {
      await gather(wanted, rows.length + PAGE, () => mine === turn);
    } catch (error) {
      if (mine === turn) [problem.textContent, count.textContent] = [textOf(error), ""];
      return;
    }
    if (mine !== turn) return;
    const found = `${number(rows.length)}${continuation ? " or more" : ""} found`;
    say(count, wanted ? found : `${number(rows.length)} shown`);
    announce(count.textContent);
    draw(true);
    more.hidden = !continuation;
  }

  /** Pages until there are as many rows, or no more; a page of a search may be short, or empty. */
  async function gather(wanted, until, isNewest) {
    do {
      const query = new URLSearchParams({ limit: String(until - rows.length), continuation });
      if (wanted) query.set("search", wanted);
      const page = await get(`contact-lists/${list.id}/contacts?${query}`);
      if (!isNewest()) return;
      rows.push(...page.contacts);
      continuation = page.continuation || "";
      draw(false);
    } while (continuation && rows.length < until);
  }

  function draw(isDone) {
    const shown = rows.map((one) => [
      h("a", { href: `#/contacts/${one.id}` }, nameOf(one)),
      one.email,
      one.mobilePhone,
      one.company,
      one.linked ? h("span", { class: "tag linked" }, "from Entra") : h("span", { class: "tag" }, "local"),
    ]);
    holder.replaceChildren(
      rows.length
        ? table("Contacts", ["Name", "Email", "Mobile phone", "Company", "Source"], shown)
        : h("p", {}, isDone ? "Nobody here." : ""),
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
