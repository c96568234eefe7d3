// Everybody whose removal waits for approval: a list to look through and to search, and as a file.

import { ENTRA, get } from "./api.js";
import { h, say } from "./dom.js";
import { download } from "./download.js";
import { table, textOf } from "./parts.js";
import { t } from "./words.js";

const PAGE = 100;
const TYPING_MS = 250;

/** Show the people of a run whose removals wait. `title` says what becomes of them. */
export function showPending(run, title) {
  const path = `${ENTRA}/runs/${run.id}/pending`;
  const holder = h("div", { class: "dialog-list" });
  const count = h("p", { class: "quiet", id: "pending-count", role: "status" });
  const problem = h("p", { class: "problem", role: "alert" });
  const more = h(
    "button",
    { type: "button", id: "pending-more", hidden: true, onclick: () => load(false) },
    t("button.more"),
  );
  let people = [];
  let continuation = "";
  let turn = 0;
  let typing;
  const search = h("input", { type: "search", id: "pending-search", autocomplete: "off", oninput: typed });
  const close = () => {
    clearTimeout(typing);
    turn += 1;
    dialog.close();
    dialog.remove();
  };
  const save = () => download(`${path}.csv`, "removals.csv").catch((error) => say(problem, textOf(error)));
  const dialog = h(
    "dialog",
    { "aria-labelledby": "pending-title", oncancel: close },
    h("h2", { id: "pending-title" }, title),
    h("label", {}, h("span", { class: "small" }, t("list.search")), search),
    count,
    problem,
    holder,
    more,
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", id: "pending-csv", onclick: save }, t("button.csv")),
      h("button", { type: "button", onclick: close }, t("button.close")),
    ),
  );

  function typed() {
    clearTimeout(typing);
    typing = setTimeout(() => load(true), TYPING_MS);
  }

  /** Pages until there is somebody more, or nobody: a page of a search may be empty. */
  async function load(afresh) {
    const mine = ++turn;
    if (afresh) [people, continuation] = [[], ""];
    const before = people.length;
    say(problem, "");
    say(count, t("app.loading"));
    try {
      do {
        const query = new URLSearchParams({ limit: String(PAGE), search: search.value.trim(), continuation });
        const page = await get(`${path}?${query}`);
        if (mine !== turn) return;
        people.push(...page.people);
        continuation = page.continuation ?? "";
      } while (continuation && people.length === before);
    } catch (error) {
      if (mine === turn) [problem.textContent, count.textContent] = [textOf(error), ""];
      return;
    }
    say(count, t(continuation ? "rows.found.more" : "rows.found", { n: people.length }));
    const rows = people.map((one) => [one.name || t("no.name"), one.email]);
    holder.replaceChildren(
      people.length ? table(title, [t("list.name"), t("list.email")], rows) : h("p", {}, t("list.nobody")),
    );
    more.hidden = !continuation;
  }

  document.body.append(dialog);
  dialog.showModal();
  return load(true);
}
