// What several views show alike: panels, tables, times, a question in a dialog.

import { SignedOut } from "./api.js";
import { h } from "./dom.js";
import { ago, clock, exact } from "./words.js";

/** A question with two answers; gives true for the first. */
export function ask(title, text, yes, no, dangerous = false) {
  return new Promise((resolve) => {
    const answer = (value) => () => {
      dialog.close();
      dialog.remove();
      resolve(value);
    };
    const dialog = h(
      "dialog",
      { "aria-labelledby": "ask-title", oncancel: answer(false) },
      h("h2", { id: "ask-title" }, title),
      text instanceof Node ? text : h("p", {}, text),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", onclick: answer(false) }, no),
        h("button", { type: "button", class: dangerous ? "danger" : "primary", onclick: answer(true) }, yes),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** A panel that says what happened and what to do. */
export function panel(kind, title, ...children) {
  const icons = { good: "✓", bad: "!", wait: "…", info: "i" };
  return h(
    "section",
    { class: `panel ${kind}` },
    h("span", { class: "mark", "aria-hidden": "true" }, icons[kind]),
    h("div", {}, h("h2", {}, title), ...children),
  );
}

/**
 * A table of rows, each a list of what its cells hold. It scrolls by itself where it is too wide, by keyboard too; on a
 * narrow screen each row is a block (the roles keep it a table all the same). A column is its title, or [title, class].
 */
export function table(label, columns, rows) {
  const heads = columns.map((one) => [one].flat());
  const cellOf = (content, n) => {
    const [title, kind] = heads[n];
    return h("td", { role: "cell", class: kind, "data-label": title }, content);
  };
  return h(
    "div",
    { class: "scroll", role: "region", "aria-label": label, tabindex: "0" },
    h(
      "table",
      { role: "table", "aria-label": label },
      h(
        "thead",
        { role: "rowgroup" },
        h(
          "tr",
          { role: "row" },
          heads.map(([title]) => h("th", { role: "columnheader", scope: "col" }, title)),
        ),
      ),
      h(
        "tbody",
        { role: "rowgroup" },
        rows.map((cells) => h("tr", { role: "row" }, cells.map(cellOf))),
      ),
    ),
  );
}

/** Terms and their values. */
export function facts(rows) {
  return h(
    "dl",
    { class: "facts" },
    rows.map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value))),
  );
}

/** A time as people say it, and exactly: "2 hours ago, 14:03:12"; "–" where there is none. */
export function time(iso) {
  return iso ? h("time", { datetime: iso, title: exact(iso) }, `${ago(iso)}, ${clock(iso)}`) : "–";
}

/** Stands where something is still asked for; seen only if that takes a while. */
export const loading = () => h("p", { class: "quiet late" }, "Loading…");

export const back = (href, text) => h("p", { class: "links" }, h("a", { href }, `← ${text}`));

/** What a person is told of an error: its own words where they are meant for people (an error with `fields` is). */
export function textOf(error) {
  if (error instanceof SignedOut || error.fields) return error.message;
  console.error(error);
  return "Something on this page went wrong.";
}

/** Where to sign in again, and to come back from; null where the error does not say. */
export function signIn(error) {
  if (!error?.signIn) return null;
  const href = `${error.signIn}?return=${encodeURIComponent(location.href)}`;
  return h("a", { class: "button primary", href, id: "sign-in" }, "Sign in");
}
