// Which runs the history shows: by outcome, by person, and whether those that changed nothing, too.

import { get } from "./api.js";
import { h, say } from "./dom.js";
import { nameOf, theList } from "./edit.js";
import { t } from "./words.js";

const TYPING_MS = 250;
const OFFERED = 5;
const OUTCOMES = ["completed", "failed", "cancelled", "awaiting_approval", "discarded", "running", "queued"];

/** The filter that an address has: `{all, outcome, person, name}`, the person by id and as people read it. */
export async function filterOf(query) {
  const address = new URLSearchParams(query);
  const person = address.get("person") ?? "";
  const outcome = OUTCOMES.find((one) => one === address.get("outcome")) ?? "";
  return { all: address.has("all"), outcome, person, name: person && (await known(person)) };
}

/** Whose contact is gone, or whose id never was one, is shown by the id. */
async function known(person) {
  const list = await theList();
  try {
    return nameOf(await get(`contact-lists/${list.id}/contacts/${encodeURIComponent(person)}`));
  } catch (error) {
    if (error.status !== 404) throw error;
    return person;
  }
}

/** Whether nobody has chosen anything. */
export const isFirst = (filter) => addressOf(filter) === addressOf({});
export const isWhole = ({ all, outcome, person }) => Boolean(all && !outcome && !person);

const said = ({ outcome, person }) => ({ ...(outcome && { outcome }), ...(person && { person }) });

/** What the API is asked for. */
export const askedFor = (filter) => new URLSearchParams({ ...said(filter), ...(!filter.all && { changed: "true" }) });

export function addressOf(filter) {
  const query = new URLSearchParams({ ...(filter.all && { all: "" }), ...said(filter) }).toString();
  return query ? `#/entra/history?${query}` : "#/entra/history";
}

/** The controls. `change` takes what a person chose. */
export function filters(stage, filter, change) {
  const outcomes = ["", ...OUTCOMES].map((one) =>
    h("option", { value: one, selected: one === filter.outcome }, t(one ? `state.${one}` : "history.any")),
  );
  return h(
    "div",
    { class: "filters" },
    h(
      "label",
      {},
      h("span", { class: "small" }, t("history.outcome")),
      h("select", { id: "outcome", onchange: (event) => change({ outcome: event.target.value }) }, outcomes),
    ),
    personField(stage, filter, change),
    h(
      "label",
      { class: "choice" },
      h("input", {
        type: "checkbox",
        id: "all-runs",
        checked: filter.all,
        onchange: (event) => change({ all: event.target.checked }),
      }),
      h("span", {}, t("history.all")),
    ),
  );
}

/** The first few whom a search of the list finds; one of its pages may be empty and still have a next one. */
async function peopleFound(search) {
  const list = await theList();
  const people = [];
  let continuation = "";
  do {
    const query = new URLSearchParams({ search, limit: String(OFFERED - people.length), continuation });
    const page = await get(`contact-lists/${list.id}/contacts?${query}`);
    people.push(...page.contacts);
    continuation = page.continuation ?? "";
  } while (continuation && people.length < OFFERED);
  return people;
}

/** A person is looked for in the list; one of those that are found is chosen, none where the field is emptied. */
function personField(stage, filter, change) {
  const found = h("div", { id: "person-found", class: "chips", role: "group", "aria-label": t("history.found") });
  const told = h("span", { class: "small", role: "status" });
  let turn = 0;
  let typing;
  stage.onLeave(() => clearTimeout(typing));
  const input = h("input", {
    type: "search",
    id: "history-person",
    value: filter.name,
    autocomplete: "off",
    oninput: () => {
      clearTimeout(typing);
      typing = setTimeout(seek, TYPING_MS);
    },
  });

  async function seek() {
    const mine = ++turn;
    const wanted = input.value.trim();
    found.replaceChildren();
    say(told, "");
    if (filter.person) await change({ person: "", name: "" });
    if (!wanted) return;
    const people = await peopleFound(wanted);
    if (mine !== turn) return;
    say(told, people.length ? "" : t("list.nobody"));
    found.replaceChildren(...people.map(offer));
  }

  const offer = (contact) => {
    const choose = () => {
      input.value = nameOf(contact);
      found.replaceChildren();
      input.focus();
      return change({ person: contact.id, name: nameOf(contact) });
    };
    const more = contact.email ? h("span", { class: "origin" }, contact.email) : null;
    return h("button", { type: "button", onclick: choose }, h("span", {}, nameOf(contact), more));
  };

  return h("div", {}, h("label", {}, h("span", { class: "small" }, t("history.person")), input), told, found);
}
