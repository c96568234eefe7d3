// Choose what syncs: the form, its preview, and saving. What is chosen lives in one place, `now`, and the whole form is
// drawn from it after each change.

import { ENTRA, call, get, person, post } from "./api.js";
import { begin, isUnsaved, misfits, nameOf, overtaken, refuse, resume, store, unsendable } from "./choices.js";
import { announce, h, redraw } from "./dom.js";
import { conflict, deletion, guard, mappings, scope } from "./fieldsets.js";
import { draftOf } from "./draft.js";
import { ask, signIn, textOf, time } from "./parts.js";
import { previewed } from "./preview.js";
import { SETTING } from "./words.js";

/** Show the form in `place`. `active` says whether a configuration was saved before. */
export async function settings(stage, place, active) {
  const [fields, answer, who] = await Promise.all([get(`${ENTRA}/fields`), call("GET", `${ENTRA}/config`), person()]);
  const draft = draftOf(who);
  const now = {
    ...resumed(answer.body, draft.read()),
    etag: answer.headers.get("etag"),
    isBusy: false,
    error: null,
    told: "",
    preview: null,
    isKept: true,
  };
  const unsaved = () => isUnsaved(now.choices);
  stage.guard(
    () => active && unsaved(),
    () => now.isKept,
  );
  if (now.draft && !unsaved()) draft.forget();
  draw();

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
    const held = now.isBusy ? "true" : false;
    redraw(
      place,
      h("h2", { id: "settings-title" }, active ? "Configuration" : "Choose what syncs"),
      now.draft && unsaved() ? draftNote(now.draft) : null,
      h(
        "form",
        { id: "settings", novalidate: true, onsubmit: save },
        mappings(choices, fields, change),
        conflict(choices, change),
        deletion(choices, change),
        scope(choices, now.preview?.switches || {}, change),
        guard(choices, change),
        h("p", { id: "config-problem", class: "problem", role: "alert" }, now.error && problemOf(now.error)),
        h(
          "div",
          { class: "actions" },
          h("button", { type: "submit", class: "primary", id: "save", "aria-disabled": held }, "Save Configuration"),
          h("button", { type: "button", id: "show-preview", "aria-disabled": held, onclick: preview }, "Preview"),
          unsaved()
            ? h("button", { type: "button", id: "discard-changes", onclick: discard }, "Discard changes")
            : null,
          h("p", { id: "config-state", class: "quiet" }, now.told || (active && unsaved() ? "Not saved yet" : "")),
        ),
        h("div", { id: "preview", tabindex: "-1" }, now.preview && previewOf(now.preview)),
      ),
    );
  }

  function previewOf(told) {
    if (told.counts) return previewed(told, fields);
    return [
      h("p", { class: "quiet" }, "Reading your directory to see what would happen. Nothing is changed…"),
      h("progress", { "aria-label": "Preview" }),
    ];
  }

  function change(changed) {
    update({ choices: changed(now.choices), error: null, told: "", preview: null });
  }

  function discard() {
    update({
      choices: begin(now.choices.saved),
      error: null,
      told: "Your changes are discarded.",
      preview: null,
      draft: null,
    });
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
      const told = isUnsaved(choices) ? "" : "Saved. A full sync applies it.";
      update({ choices, told, etag: headers.get("etag"), draft: null });
      announce("The configuration is saved. A full sync begins.");
    });
    if (isSaved && !active) stage.reload();
  }

  /** Another administrator has saved in the meantime: lay what was chosen here over that. */
  async function takeOver() {
    const { body, headers } = await call("GET", `${ENTRA}/config`);
    const mine = { base: now.choices.saved, chosen: now.choices.chosen };
    return {
      choices: resume(body, mine),
      etag: headers.get("etag"),
      draft: { at: null, overtaken: overtaken(body, mine) },
      error: new Unsendable({}, "The configuration was changed in the meantime. Look at it and save again."),
      preview: null,
    };
  }

  async function preview() {
    if (now.isBusy) return;
    const mine = {};
    now.preview = mine;
    announce("Reading your directory for the preview.");
    await trying(async () => {
      const told = await post(`${ENTRA}/preview`, now.choices.chosen);
      // Choices that have changed since then would not do what was previewed.
      if (now.preview !== mine) return;
      now.preview = told;
      draw();
      announce("The preview is ready.");
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
  if (!left?.base || !left.chosen) return { choices: begin(saved), draft: null };
  return { choices: resume(saved, left), draft: { at: left.at, overtaken: overtaken(saved, left) } };
}

function draftNote({ at, overtaken }) {
  const names = overtaken.map((name) => SETTING[name] || name).join(", ");
  return h(
    "p",
    { id: "draft-note", class: "note" },
    at ? ["These are your changes of ", time(at), ", not saved yet. "] : "Your changes are kept. ",
    names && `In the meantime these settings were saved differently: ${names}. Saving replaces them by yours.`,
  );
}

function problemOf(error) {
  const named = Object.entries(error.fields || {}).map(
    ([field, why]) => `${nameOf(field)}${nameOf(field) && ": "}${why}.`,
  );
  return [[textOf(error), ...named].join(" "), " ", signIn(error)];
}

/** What was chosen cannot be sent as it is. */
class Unsendable extends Error {
  constructor(fields, text = "Some of the settings need attention.") {
    super(text);
    this.fields = fields;
  }
}

/** Whether Hard Delete, where it is new, is really wanted. */
async function isMeant({ saved, chosen }) {
  if (chosen.deletionBehavior !== "hard_delete" || saved.deletionBehavior === "hard_delete") return true;
  return ask(
    "Delete for good?",
    "With Hard Delete, contacts of people who leave the directory cannot be brought back by unlinking and linking again.",
    "Use Hard Delete",
    "Go back",
    true,
  );
}
