// Find a person of the directory: in the list or not, why, and value by value what the next run does.

import { ENTRA, call, get, offeredFields } from "./api.js";
import { announce, h, say } from "./dom.js";
import { frame } from "./frame.js";
import { ask, avatar, textOf } from "./parts.js";
import { sentenceOf, valuesOf } from "./somebody.js";
import { t } from "./words.js";

const SHORTEST = 2;
const TYPING_MS = 400;

/** `query` of the address holds what was searched, so that Back finds it again. */
export async function peopleView(stage, query = "") {
  const [fields, { look }] = await Promise.all([offeredFields(), frame(stage, "people")]);
  look();
  const labels = new Map(fields.contactFields.map((one) => [one.name, one.label]));
  const sought = new URLSearchParams(query).get("query") ?? "";
  const problem = h("p", { class: "problem", role: "alert" });
  const count = h("p", { id: "people-count", class: "quiet", role: "status" });
  const holder = h("div", { id: "people" });
  const search = h("input", {
    type: "search",
    id: "people-search",
    value: sought,
    autocomplete: "off",
    oninput: typed,
  });
  let turn = 0;
  let typing;
  stage.onLeave(() => clearTimeout(typing));
  stage.place.replaceChildren(
    h("p", { class: "lead" }, t("people.told")),
    h("label", {}, h("span", { class: "small" }, t("people.search")), search),
    count,
    problem,
    holder,
  );
  await find();

  function typed() {
    clearTimeout(typing);
    typing = setTimeout(find, TYPING_MS);
  }

  async function find() {
    const mine = ++turn;
    const wanted = search.value.trim();
    stage.readdress(wanted ? `#/entra/people?query=${encodeURIComponent(wanted)}` : "#/entra/people");
    say(problem, "");
    holder.replaceChildren();
    say(count, wanted.length < SHORTEST ? "" : t("list.searching"));
    if (wanted.length < SHORTEST) return;
    try {
      const told = await get(`${ENTRA}/people?query=${encodeURIComponent(wanted)}`);
      if (mine !== turn) return;
      say(count, told.people.length ? t("rows.found", { n: told.people.length }) : t("people.nobody"));
      holder.replaceChildren(...told.people.map((one) => personCard(one)));
    } catch (error) {
      // The API takes one search of a person at a time: the newest is tried again.
      if (mine === turn && error.status === 429) typing = setTimeout(find, TYPING_MS);
      else if (mine === turn) [problem.textContent, count.textContent] = [textOf(error), ""];
    }
  }

  function personCard(person) {
    const { reason, inList, contactId } = person;
    const isExcluded = reason.code === "excluded";
    const turnIn = () => decide(person, !isExcluded);
    return h(
      "section",
      { class: "box found", "aria-label": person.name || t("no.name") },
      h(
        "div",
        { class: "row" },
        avatar(person.name || "?"),
        h(
          "div",
          { class: "grow" },
          h("h2", {}, person.name || t("no.name")),
          h("p", { class: "small" }, [person.mail, person.userPrincipalName].filter(Boolean).join(" · ")),
        ),
        h("span", { class: `tag ${inList ? "linked" : "unlinked"}` }, t(inList ? "people.in" : "people.out")),
      ),
      h("p", { class: "why" }, sentenceOf(reason)),
      person.nextOutcome ? h("p", {}, t("people.next", { what: t(`outcome.${person.nextOutcome}`) })) : null,
      person.values.length ? h("details", {}, h("summary", {}, t("people.values")), valuesOf(person, labels)) : null,
      h(
        "div",
        { class: "actions" },
        contactId ? h("a", { class: "button", href: `#/contacts/${contactId}` }, t("people.contact")) : null,
        h(
          "button",
          { type: "button", class: isExcluded ? false : "danger", id: `turn-${person.id}`, onclick: turnIn },
          t(isExcluded ? "people.include" : "people.exclude"),
        ),
      ),
    );
  }

  /** Leave a person out of the list, or let in again: a change of the configuration, which a full run applies. */
  async function decide(person, isOut) {
    const act = isOut ? "exclude" : "include";
    const name = person.name || t("no.name");
    if (
      !(await ask(
        t(`people.${act}.title`, { name }),
        t(`people.${act}.text`),
        t(`people.${act}`),
        t("button.cancel"),
        isOut,
      ))
    )
      return;
    const { body, headers } = await call("GET", `${ENTRA}/config`);
    const others = body.excludedPeople.filter((one) => one !== person.id);
    const wanted = { ...body, excludedPeople: isOut ? [...others, person.id] : others };
    await call("PUT", `${ENTRA}/config`, wanted, { "If-Match": headers.get("etag") });
    announce(t("form.saved.spoken"));
    look();
    await find();
    document.getElementById(`turn-${person.id}`)?.focus();
  }
}
