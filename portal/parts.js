// What several views show alike: panels, tables, chips, times, a question in a dialog.

import { SignedOut } from "./api.js";
import { h } from "./dom.js";
import { ago, clock, exact, LANGUAGE, t } from "./words.js";

/** Strokes of a picture of 24 by 24. */
const ICONS = {
  good: "M5 12.5l4.5 4.5L19 7.5",
  busy: "M20 12a8 8 0 1 1-2.3-5.6M20 3v4h-4",
  microsoft: "M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  wait: "M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  you: "M12 7v6m0 4v.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  bad: "M12 8v5m0 3.5v.01M12 3L2.5 20h19z",
  failed: "M7 7l10 10M17 7L7 17",
  paused: "M9 6v12M15 6v12",
  info: "M12 11v6m0-10v.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  off: "M9 7H7a5 5 0 0 0 0 10h2m6-10h2a5 5 0 0 1 0 10h-2",
};

export const icon = (name) =>
  h("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, h("path", { d: ICONS[name] }));

/** A link to the part of the help article that answers what is asked here; in a tab of its own, so that nothing is lost. */
export const help = (part) =>
  h(
    "p",
    { class: "help-link" },
    h(
      "a",
      { href: `help.${LANGUAGE}.html#${part}`, target: "_blank", rel: "noopener" },
      icon("info"),
      t(`help.${part}`),
    ),
  );

/** The state that can be read from afar: an icon, a colour, a word. */
export const chip = (kind) => h("span", { class: `chip ${kind}` }, icon(kind), h("span", {}, t(`chip.${kind}`)));

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

/** A panel that says what happened and what to do: "good", "bad", "wait" or "info". */
export function panel(kind, title, ...children) {
  return h("section", { class: `panel ${kind}` }, icon(kind), h("div", {}, h("h2", {}, title), ...children));
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
          heads.map(([title, kind]) => h("th", { role: "columnheader", scope: "col", class: kind }, title)),
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

/** A time as people say it, and exactly: "2 hours ago, 14:03:12 CET"; "–" where there is none. */
export function time(iso) {
  return iso ? h("time", { datetime: iso, title: exact(iso) }, `${ago(iso)}, ${clock(iso)}`) : "–";
}

/** A time exactly, as investigators want it, and then as people say it. */
export const exactly = (iso) =>
  iso ? h("time", { datetime: iso }, exact(iso), h("span", { class: "origin" }, ago(iso))) : "–";

/** Stands where something is still asked for; seen only if that takes a while. */
export const loading = () => h("p", { class: "quiet late" }, t("app.loading"));

export const back = (href, text) => h("p", { class: "links" }, h("a", { href, class: "back" }, text));

/** What a person is told of an error: its own words where they are meant for people (an error with `fields` is). */
export function textOf(error) {
  if (error instanceof SignedOut || error.fields) return error.message;
  console.error(error);
  return t("error.page");
}

/** Where to sign in again, and to come back from; null where the error does not say. */
export function signIn(error) {
  if (!error?.signIn) return null;
  const href = `${error.signIn}?return=${encodeURIComponent(location.href)}`;
  return h("a", { class: "button primary", href, id: "sign-in" }, t("sign.in"));
}

/** An address to give away, with a button that copies it. */
export function copyable(id, label, value) {
  const copy = async (event) => {
    const button = event.currentTarget;
    await navigator.clipboard.writeText(value);
    button.textContent = t("copied");
  };
  return h(
    "div",
    { class: "copyable" },
    h("label", { for: id, class: "small" }, label),
    h("input", { type: "text", id, readonly: true, value, onfocus: (event) => event.target.select() }),
    h("button", { type: "button", id: `${id}-copy`, onclick: copy }, t("button.copy")),
  );
}

/** The initials of a name, in a colour of its own; the name itself stands beside it. */
export function avatar(name) {
  const letters = name
    .split(/\s+/)
    .map((part) => [...part].find((letter) => /\p{L}/u.test(letter)) ?? "")
    .filter(Boolean);
  const hue = [...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % 5;
  return h(
    "span",
    { class: `avatar hue-${hue}`, "aria-hidden": "true" },
    [letters[0], letters.slice(1).at(-1)].join(""),
  );
}
