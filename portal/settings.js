// Choose what syncs: the form, its preview, and saving. What is chosen lives in one place, `now`, and the whole form is
// drawn from it after each change.

import { ENTRA, call, get, offeredFields, person, post } from "./api.js";
import {
  areRulesWhole,
  begin,
  changeCount,
  isUnsaved,
  merge,
  misfits,
  nameOf,
  refuse,
  settle,
  store,
  unsendable,
} from "./choices.js";
import { announce, h, redraw } from "./dom.js";
import { draftOf } from "./draft.js";
import { conflict, deletion, guard, mappings, phones } from "./fieldsets.js";
import { merging } from "./merging.js";
import { ask, help, panel, signIn, textOf, time } from "./parts.js";
import { previewed } from "./preview.js";
import { chosenPeople } from "./somebody.js";
import { sampleFrom, sampleOf } from "./sample.js";
import { scope } from "./scope.js";
import { rich, t } from "./words.js";

const TYPING_MS = 800;

/** Show the form in `place`. `active` says whether a configuration was saved before; `look` asks for the status at once. */
export async function settings(stage, place, active, look = () => {}) {
  const [fields, answer, who] = await Promise.all([offeredFields(), call("GET", `${ENTRA}/config`), person()]);
  const draft = draftOf(who);
  const now = {
    ...resumed(answer.body, draft.read()),
    etag: answer.headers.get("etag"),
    isBusy: false,
    error: null,
    told: "",
    preview: null,
    somebody: null,
    /** Whom the rules keep and leave out; asked for while they are typed. */
    effects: null,
    asked: null,
    asking: null,
    sample: { name: "", values: {} },
    isKept: true,
  };
  const labels = {
    source: new Map(fields.directoryFields.map((one) => [one.name, one.label])),
    target: new Map(fields.contactFields.map((one) => [one.name, one.label])),
  };
  const unsaved = () => isUnsaved(now.choices);
  stage.guard(
    () => active && unsaved(),
    () => now.isKept,
  );
  let typing;
  stage.onLeave(() => clearTimeout(typing));
  if (now.merge && !unsaved()) draft.forget();
  draw();
  exemplify();

  /** A real person's values beside the fields. Without them the form is whole too. */
  async function exemplify() {
    const sample = await sampleOf(active, now.choices.chosen).catch(() => null);
    if (sample && stage.isLive()) update({ sample });
  }

  function update(changes) {
    const before = now.choices;
    Object.assign(now, changes);
    if (unsaved()) now.isKept = draft.keep({ base: now.choices.saved, chosen: now.choices.chosen });
    // Only what was chosen here is forgotten: another window may keep a draft of its own.
    else if (isUnsaved(before)) draft.forget();
    draw();
  }

  function draw() {
    const { choices } = now;
    // It moves into what is drawn anew, and would lose the focus there.
    const focused = now.somebody?.contains(document.activeElement) ? document.activeElement : null;
    redraw(
      place,
      now.merge && unsaved() ? draftNote() : null,
      h(
        "form",
        { id: "settings", novalidate: true, onsubmit: save },
        help("choose"),
        mappings(choices, fields, now.sample, change),
        conflict(choices, change),
        deletion(choices, change),
        phones(choices, change),
        scope(choices, fields, now.preview?.counts ? now.preview : now.effects, now.asked !== null, change),
        guard(choices, change),
        h("div", { id: "preview", tabindex: "-1" }, now.preview && previewOf(now.preview)),
        bar(),
      ),
    );
    focused?.focus({ preventScroll: true });
  }

  /** What can be done with the choices; it stays in sight while something is not saved. */
  function bar() {
    const held = now.isBusy ? "true" : false;
    const count = changeCount(now.choices);
    const state = now.told || (active && count ? t("form.unsaved", { n: count }) : "");
    return h(
      "section",
      { class: `bar${count ? " unsaved" : ""}`, id: "bar", "aria-label": t("form.bar") },
      h("p", { id: "config-problem", class: "problem", role: "alert" }, now.error && problemOf(now.error)),
      h(
        "div",
        { class: "row" },
        h("p", { id: "config-state", class: "grow" }, state),
        count
          ? h("button", { type: "button", class: "plain", id: "discard-changes", onclick: discard }, t("form.discard"))
          : null,
        h("button", { type: "button", id: "show-preview", "aria-disabled": held, onclick: preview }, t("form.preview")),
        h("button", { type: "submit", class: "primary", id: "save", "aria-disabled": held }, t("form.save")),
      ),
    );
  }

  /** Whose changes these are, and what another administrator changed meanwhile. */
  function draftNote() {
    const { at, isStale, conflicts } = now.merge;
    const begun = at ? h("p", {}, rich("form.draft", { when: time(at) })) : null;
    if (!isStale && !conflicts.length) return h("div", { id: "draft-note", class: "note" }, begun);
    return h(
      "div",
      { id: "draft-note", tabindex: "-1" },
      panel("wait", t("merge.title"), begun, merging(now.merge, chosenOf, labels, take)),
    );
  }

  function chosenOf({ name, target }) {
    const { chosen } = now.choices;
    if (target === null) return chosen[name];
    return chosen.fieldMappings.find((one) => one.target === target)?.source ?? null;
  }

  function take(one, value) {
    update({ choices: settle(now.choices, one, value), error: null, preview: null });
  }

  function previewOf(told) {
    if (told.counts) return h("section", { class: "box" }, previewed(told, fields), now.somebody);
    return h(
      "section",
      { class: "box" },
      h("p", { class: "quiet" }, t("preview.reading")),
      h("progress", { "aria-label": t("form.preview") }),
    );
  }

  function change(changed) {
    const before = now.choices.chosen;
    const choices = changed(now.choices);
    update({ choices, error: null, told: "", preview: null });
    if (before.scopeRules !== choices.chosen.scopeRules) soonAskEffects();
  }

  /** Ask whom the rules keep and leave out, once nothing was typed for a while. */
  function soonAskEffects() {
    clearTimeout(typing);
    const isAskable = now.choices.chosen.scopeRules.length && areRulesWhole(now.choices);
    update({ effects: null, asked: isAskable ? {} : null });
    if (isAskable) typing = setTimeout(askEffects, TYPING_MS);
  }

  async function askEffects() {
    const mine = now.asked;
    // One preview at a time: the API takes no second one of the same person.
    if (now.isBusy || now.asking) {
      typing = setTimeout(askEffects, TYPING_MS);
      return;
    }
    now.asking = post(`${ENTRA}/preview`, now.choices.chosen).catch(() => null);
    const told = await now.asking;
    now.asking = null;
    // Rules that have changed since then have asked anew.
    if (now.asked === mine && stage.isLive()) update({ effects: told, asked: null });
  }

  function discard() {
    const choices = begin(now.choices.saved);
    update({ choices, error: null, told: t("form.discarded"), preview: null, merge: null });
    document.getElementById("save").focus();
    announce(now.told);
  }

  async function save(event) {
    event.preventDefault();
    if (now.isBusy || !(await isMeant(now.choices))) return;
    const isSaved = await trying(async () => {
      const sent = now.choices.chosen;
      const { body, headers } = await call("PUT", `${ENTRA}/config`, sent, now.etag ? { "If-Match": now.etag } : {});
      const choices = store(now.choices, sent, body);
      const told = isUnsaved(choices) ? "" : t("form.saved");
      update({ choices, told, etag: headers.get("etag"), merge: null });
      announce(t("form.saved.spoken"));
    });
    if (isSaved && !active) stage.move("#/entra");
    else if (isSaved) await look();
  }

  /** Another administrator has saved in the meantime: merge what was chosen here with that. */
  async function takeOver() {
    const { body, headers } = await call("GET", `${ENTRA}/config`);
    const { choices, conflicts } = merge(body, { base: now.choices.saved, chosen: now.choices.chosen });
    return {
      choices,
      etag: headers.get("etag"),
      merge: { at: null, isStale: true, conflicts },
      error: new Unsendable({}, t("form.stale")),
      preview: null,
    };
  }

  async function preview() {
    if (now.isBusy) return;
    const mine = {};
    now.preview = mine;
    announce(t("preview.reading.spoken"));
    await trying(async () => {
      await now.asking;
      const told = await post(`${ENTRA}/preview`, now.choices.chosen);
      // Choices that have changed since then would not do what was previewed.
      if (now.preview !== mine) return;
      now.preview = told;
      // A new one for each preview: what the one before found was under other choices.
      now.somebody = chosenPeople(() => now.choices.chosen, labels.target);
      now.sample = sampleFrom(told, now.choices.chosen) ?? now.sample;
      draw();
      announce(t("preview.ready"));
      document.getElementById("preview").focus();
    });
    if (now.error) update({ preview: null });
  }

  /** One at a time: a second click on Save while the first is under way does nothing. Gives whether it worked. */
  async function trying(work) {
    update({ isBusy: true, error: null, choices: refuse(now.choices, {}) });
    try {
      const wrong = { ...unsendable(now.choices), ...misfits(now.choices, fields) };
      if (Object.keys(wrong).length) throw new Unsendable(wrong);
      await work();
    } catch (error) {
      const refused = { error, choices: refuse(now.choices, error.fields || {}) };
      update(error.code === "stale" ? await takeOver().catch((failure) => ({ error: failure })) : refused);
    }
    update({ isBusy: false });
    return !now.error;
  }
}

/** Choices as they were left in this browser, if they were left unsaved; else what is saved. */
function resumed(saved, left) {
  if (!left?.base || !left.chosen) return { choices: begin(saved), merge: null };
  const { choices, conflicts } = merge(saved, left);
  return { choices, merge: { at: left.at, isStale: false, conflicts } };
}

function problemOf(error) {
  const named = Object.entries(error.fields || {}).map(
    ([field, why]) => `${nameOf(field)}${nameOf(field) && ": "}${why}.`,
  );
  return [[textOf(error), ...named].join(" "), " ", signIn(error)];
}

/** What was chosen cannot be sent as it is. */
class Unsendable extends Error {
  constructor(fields, text = t("form.wrong")) {
    super(text);
    this.fields = fields;
  }
}

/** Whether Hard Delete, where it is new, is really wanted. */
async function isMeant({ saved, chosen }) {
  if (chosen.deletionBehavior !== "hard_delete" || saved.deletionBehavior === "hard_delete") return true;
  return ask(t("hard.title"), t("hard.text"), t("hard.yes"), t("button.back"), true);
}
