// The contact list for everyone: search, page by page, add.

import { ENTRA, get, offeredFields, post } from "./api.js";
import { announce, h, say } from "./dom.js";
import { download } from "./download.js";
import { editDialog, nameOf, theList } from "./edit.js";
import { avatar, panel, table, textOf } from "./parts.js";
import { contacts, t } from "./words.js";

const PAGE = 50;
const TYPING_MS = 250;

export async function contactsView(stage, query = "") {
  const sought = new URLSearchParams(query).get("search") ?? "";
  const list = await theList();
  if (!list) {
    stage.place.replaceChildren(panel("info", t("list.none"), h("p", {}, t("list.none.text"))));
    return;
  }
  const [fields, told] = await Promise.all([offeredFields(), get(`${ENTRA}/status`)]);
  stage.name(list.name);
  const holder = h("div", { id: "contacts" });
  const problem = h("p", { class: "problem", role: "alert" });
  const count = h("p", { id: "contacts-count", class: "quiet" });
  const more = h("button", { type: "button", id: "more", hidden: true, onclick: () => load(false) }, t("button.more"));
  const search = h("input", { type: "search", id: "search", value: sought, autocomplete: "off", oninput: typed });
  const save = () => download(`contact-lists/${list.id}/contacts.csv`, `${list.name}.csv`);
  let rows = [];
  let continuation = "";
  let turn = 0;
  let typing;
  stage.onLeave(() => clearTimeout(typing));
  stage.place.replaceChildren(
    h(
      "p",
      { class: "quiet" },
      t("list.told", { description: list.description, contacts: contacts(told.totals.contacts) }),
    ),
    h(
      "div",
      { class: "actions" },
      h("label", { class: "grow" }, h("span", { class: "small" }, t("list.search")), search),
      h("button", { type: "button", id: "csv", onclick: save }, t("button.csv")),
      h("button", { type: "button", id: "add", onclick: add }, t("list.add")),
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
    say(count, t(wanted ? "list.searching" : "app.loading"));
    try {
      await gather(wanted, rows.length + PAGE, () => mine === turn);
    } catch (error) {
      if (mine === turn) [problem.textContent, count.textContent] = [textOf(error), ""];
      return;
    }
    if (mine !== turn) return;
    const found = continuation ? "rows.found.more" : "rows.found";
    say(
      count,
      t(wanted ? found : continuation ? "rows.shown.of" : "rows.shown", {
        n: rows.length,
        whole: told.totals.contacts,
      }),
    );
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
      [avatar(nameOf(one)), h("a", { href: `#/contacts/${one.id}` }, nameOf(one))],
      addressed("mailto:", one.email),
      addressed("tel:", one.mobilePhone),
      one.company,
      one.linked ? h("span", { class: "tag linked" }, t("list.entra")) : h("span", { class: "tag" }, t("list.local")),
    ]);
    holder.replaceChildren(
      rows.length
        ? table(
            t("page.contacts"),
            ["name", "email", "mobile", "company", "source"].map((one) => t(`list.${one}`)),
            shown,
          )
        : h("p", {}, isDone ? t("list.nobody") : ""),
    );
  }

  async function add() {
    const made = await editDialog(t("list.add"), {}, fields, (body) => post(`contact-lists/${list.id}/contacts`, body));
    if (made) {
      announce(t("list.added", { name: nameOf(made) }));
      location.hash = `#/contacts/${made.id}`;
    }
  }

  await load(true);
}

/** A value that the device can write to or call; what is none stays a text. */
function addressed(scheme, value) {
  const target = scheme === "tel:" ? value?.replace(/[^\d+]/g, "") : value;
  const isGood = scheme === "tel:" ? /^\+?\d{3,}$/.test(target ?? "") : /^[^\s@]+@[^\s@]+$/.test(target ?? "");
  return isGood ? h("a", { class: "quietly", href: scheme + encodeURI(target) }, value) : value;
}
