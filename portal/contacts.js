// The contact list for everyone: its parts, search, page by page, add.

import { ENTRA, get, offeredFields, post } from "./api.js";
import { announce, h, say } from "./dom.js";
import { download } from "./download.js";
import { editDialog, nameOf, theList } from "./edit.js";
import { avatar, help, panel, table, textOf } from "./parts.js";
import { contacts, t } from "./words.js";

const PAGE = 50;
const TYPING_MS = 250;
const PARTS = ["all", "linked", "left", "local", "attention"];

/** `query` of the address holds the search and the part of the list, so that Back finds them again. */
export async function contactsView(stage, query = "") {
  const address = new URLSearchParams(query);
  const sought = address.get("search") ?? "";
  let part = PARTS.find((one) => one === address.get("filter")) ?? "all";
  const list = await theList();
  if (!list) {
    stage.place.replaceChildren(panel("info", t("list.none"), h("p", {}, t("list.none.text"))));
    return;
  }
  const [fields, told] = await Promise.all([offeredFields(), get(`${ENTRA}/status`)]);
  stage.name(list.name);
  const holder = h("div", { id: "contacts", onkeydown: step });
  const problem = h("p", { class: "problem", role: "alert" });
  const count = h("p", { id: "contacts-count", class: "quiet" });
  const more = h("button", { type: "button", id: "more", hidden: true, onclick: () => load(false) }, t("button.more"));
  const search = h("input", { type: "search", id: "search", value: sought, autocomplete: "off", oninput: typed });
  const why = h("p", { id: "part-told", class: "small" });
  const save = () => download(`contact-lists/${list.id}/contacts.csv`, `${list.name}.csv`);
  let rows = [];
  let continuation = "";
  let total = null;
  let turn = 0;
  let typing;
  stage.onLeave(() => clearTimeout(typing));
  stage.place.replaceChildren(
    h(
      "p",
      { class: "quiet" },
      t("list.told", { description: list.description, contacts: contacts(told.totals.contacts) }),
    ),
    help("list"),
    h(
      "div",
      { class: "actions" },
      h("label", { class: "grow" }, h("span", { class: "small" }, t("list.search")), search),
      h("button", { type: "button", id: "csv", onclick: save }, t("button.csv")),
      h("button", { type: "button", id: "add", onclick: add }, t("list.add")),
    ),
    h(
      "fieldset",
      { class: "parts" },
      h("legend", { class: "hidden" }, t("list.part")),
      PARTS.map((one) =>
        h(
          "label",
          {},
          h("input", { type: "radio", name: "part", value: one, checked: one === part, onchange: choose }),
          h("span", {}, t(`list.part.${one}`)),
        ),
      ),
    ),
    why,
    problem,
    count,
    holder,
    more,
  );

  function choose(event) {
    part = event.target.value;
    clearTimeout(typing);
    load(true);
  }

  function typed() {
    clearTimeout(typing);
    typing = setTimeout(() => load(true), TYPING_MS);
  }

  async function load(afresh) {
    const mine = ++turn;
    const wanted = search.value.trim();
    if (afresh) [rows, continuation, total] = [[], "", null];
    stage.readdress(addressOf(wanted, part));
    say(problem, "");
    say(why, part === "attention" ? t("list.part.attention.told") : "");
    say(count, t(wanted ? "list.searching" : "app.loading"));
    try {
      await gather(wanted, rows.length + PAGE, () => mine === turn);
    } catch (error) {
      if (mine === turn) [problem.textContent, count.textContent] = [textOf(error), ""];
      return;
    }
    if (mine !== turn) return;
    say(count, t(counted(wanted), { n: rows.length, whole: total }));
    announce(count.textContent);
    draw(true);
    more.hidden = !continuation;
  }

  /** How many there are: of all, where that is known; once there are no more, the rows themselves are all. */
  function counted(wanted) {
    if (continuation) return total === null ? "rows.found.more" : "rows.shown.of";
    return wanted || part !== "all" ? "rows.found" : "rows.shown";
  }

  /** Pages until there are as many rows, or no more; a page of a search may be short, or empty. */
  async function gather(wanted, until, isNewest) {
    do {
      const query = new URLSearchParams({ limit: String(until - rows.length), continuation, ...asked(wanted, part) });
      const page = await get(`contact-lists/${list.id}/contacts?${query}`);
      if (!isNewest()) return;
      if (!continuation) total = page.total;
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
      h("span", { class: `tag ${sourceOf(one)}` }, t(`list.source.${sourceOf(one)}`)),
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

  /** By arrows from name to name, by Home and End to the first and the last one. */
  function step(event) {
    const row = event.target.closest("tbody tr");
    const to = row && { ArrowDown: row.nextSibling, ArrowUp: row.previousSibling }[event.key];
    const end = row && { Home: row.parentNode.firstChild, End: row.parentNode.lastChild }[event.key];
    if (!to && !end) return;
    event.preventDefault();
    (to ?? end).querySelector("a").focus();
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

/** What is asked for, as the API and the address of the view name it. */
const asked = (search, part) => ({ ...(search && { search }), ...(part !== "all" && { filter: part }) });

function addressOf(search, part) {
  const query = new URLSearchParams(asked(search, part)).toString();
  return query ? `#/contacts?${query}` : "#/contacts";
}

const sourceOf = ({ linked, left }) => (linked ? "linked" : left ? "unlinked" : "local");

/** A value that the device can write to or call; what is none stays a text. */
function addressed(scheme, value) {
  const target = scheme === "tel:" ? value?.replace(/[^\d+]/g, "") : value;
  const isGood = scheme === "tel:" ? /^\+?\d{3,}$/.test(target ?? "") : /^[^\s@]+@[^\s@]+$/.test(target ?? "");
  return isGood ? h("a", { class: "quietly", href: scheme + encodeURI(target) }, value) : value;
}
