// What is told of one person of the directory, and a look at single people under choices that are not saved.

import { ENTRA, post } from "./api.js";
import { h, say } from "./dom.js";
import { table, textOf } from "./parts.js";
import { LANGUAGE, isText, t } from "./words.js";

const SHORTEST = 2;

/** Why somebody is in the list or not. What the API says in English is more exact; other languages have the reason. */
export const sentenceOf = ({ code, text, rule }) =>
  LANGUAGE !== "en" && isText(`where.${code}`) ? t(`where.${code}`, { n: rule ?? "" }) : text;

/** Value by value: the directory's, the contact's, and the contact's after the next run. `labels`: by contact field. */
export function valuesOf(person, labels) {
  const columns = ["field", "directory", "contact", "origin", "after"].map((one) => t(`people.${one}`));
  const rows = person.values.map((one) => [
    labels.get(one.contactField) || one.contactField,
    one.directory || "–",
    one.contact || "–",
    one.origin ? t(`origin.${one.origin}`) : "–",
    one.after === one.contact ? t("outcome.unchanged") : h("ins", {}, one.after || t("run.empty")),
  ]);
  return table(t("people.values"), columns, rows);
}

/** A search for people, and what choices would do to them. It stays the same element, whatever is drawn around it. */
export function chosenPeople(chosen, labels) {
  const input = h("input", { type: "search", id: "chosen-query", autocomplete: "off", onkeydown: onKey });
  const problem = h("p", { class: "problem", role: "alert" });
  const count = h("p", { id: "chosen-count", class: "quiet", role: "status" });
  const found = h("div", { id: "chosen-people" });
  let turn = 0;

  function onKey(event) {
    if (event.key !== "Enter") return;
    // Enter in a form would save it.
    event.preventDefault();
    look();
  }

  async function look() {
    const query = input.value.trim();
    const mine = ++turn;
    say(problem, "");
    found.replaceChildren();
    say(count, query.length < SHORTEST ? "" : t("list.searching"));
    if (query.length < SHORTEST) return;
    try {
      const { people } = await post(`${ENTRA}/preview/people?query=${encodeURIComponent(query)}`, chosen());
      if (mine !== turn) return;
      say(count, people.length ? t("rows.found", { n: people.length }) : t("people.nobody"));
      found.replaceChildren(...people.map((one) => told(one, labels)));
    } catch (error) {
      if (mine === turn) [problem.textContent, count.textContent] = [textOf(error), ""];
    }
  }

  return h(
    "div",
    { id: "chosen", class: "chosen" },
    h("label", {}, h("span", { class: "small" }, t("preview.somebody")), input),
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", id: "chosen-look", onclick: look }, t("preview.look")),
    ),
    count,
    problem,
    found,
  );
}

const told = (person, labels) =>
  h(
    "section",
    { class: "found", "aria-label": person.name || t("no.name") },
    h("h3", {}, person.name || t("no.name")),
    h("p", { class: "why" }, sentenceOf(person.reason)),
    person.nextOutcome ? h("p", {}, t("people.next", { what: t(`outcome.${person.nextOutcome}`) })) : null,
    person.values.length ? valuesOf(person, labels) : null,
  );
