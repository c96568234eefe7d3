// What several views show alike: panels, tables, times, a question in a dialog.

import { SignedOut } from "./api.js";
import { h } from "./dom.js";
import { ago, exact } from "./words.js";

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

/** A wide table that scrolls by itself, by keyboard too. */
export function table(label, head, rows) {
  return h(
    "div",
    { class: "scroll", role: "region", "aria-label": label, tabindex: "0" },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          head.map((text) => h("th", { scope: "col" }, text)),
        ),
      ),
      h("tbody", {}, rows),
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

/** A time as people say it, "–" where there is none. */
export function time(iso, text = ago) {
  return iso ? h("time", { datetime: iso, title: exact(iso) }, text(iso)) : "–";
}

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
