// Choose what syncs: the form, its preview, and saving. What is chosen lives in one place, `now`, and the whole form is
// drawn from it after each change.

import { ENTRA, call, get, post } from "./api.js";
import { begin, isUnsaved, nameOf, refuse, store, unsendable } from "./choices.js";
import { announce, h, redraw } from "./dom.js";
import { conflict, deletion, guard, mappings, scope } from "./fieldsets.js";
import { ask } from "./parts.js";
import { previewed } from "./preview.js";

/** Show the form in `place`. `active` says whether a configuration was saved before. */
export async function settings(stage, place, active) {
  const [fields, answer] = await Promise.all([get(`${ENTRA}/fields`), call("GET", `${ENTRA}/config`)]);
  const now = {
    choices: begin(answer.body, fields.defaultMappings),
    etag: answer.headers.get("etag"),
    isBusy: false,
    problem: "",
    told: "",
    preview: null,
  };
  const unsaved = () => active && isUnsaved(now.choices);
  stage.guard(unsaved);
  draw();

  function draw() {
    const { choices } = now;
    const held = now.isBusy ? "true" : false;
    redraw(
      place,
      h("h2", { id: "settings-title" }, active ? "Configuration" : "Choose what syncs"),
      h(
        "form",
        { id: "settings", novalidate: true, onsubmit: save },
        mappings(choices, fields, change),
        conflict(choices, change),
        deletion(choices, change),
        scope(choices, now.preview?.switches || {}, change),
        guard(choices, change),
        h("p", { id: "config-problem", class: "problem", role: "alert" }, now.problem),
        h(
          "div",
          { class: "actions" },
          h("button", { type: "submit", class: "primary", id: "save", "aria-disabled": held }, "Save Configuration"),
          h("button", { type: "button", id: "show-preview", "aria-disabled": held, onclick: preview }, "Preview"),
          h("p", { id: "config-state", class: "quiet" }, now.told || (unsaved() ? "Not saved yet" : "")),
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
    Object.assign(now, { choices: changed(now.choices), problem: "", told: "", preview: null });
    draw();
  }

  async function save(event) {
    event.preventDefault();
    if (now.isBusy || !(await isMeant(now.choices))) return;
    await trying(async () => {
      const sent = now.choices.chosen;
      const { body, headers } = await call("PUT", `${ENTRA}/config`, sent, now.etag ? { "If-Match": now.etag } : {});
      now.choices = store(now.choices, sent, body);
      now.etag = headers.get("etag");
      now.told = unsaved() ? "" : "Saved. A full sync applies it.";
      announce("The configuration is saved. A full sync begins.");
      if (!active) stage.reload();
    });
  }

  async function preview() {
    if (now.isBusy) return;
    now.preview = {};
    announce("Reading your directory for the preview.");
    await trying(async () => {
      const mine = now.preview;
      const told = await post(`${ENTRA}/preview`, now.choices.chosen);
      // Choices that have changed since then would not do what was previewed.
      if (now.preview !== mine) return;
      now.preview = told;
      draw();
      announce("The preview is ready.");
      document.getElementById("preview").focus();
    });
    if (now.problem) {
      now.preview = null;
      draw();
    }
  }

  /** One at a time: a second click on Save while the first is under way does nothing. */
  async function trying(work) {
    Object.assign(now, { isBusy: true, problem: "", choices: refuse(now.choices, {}) });
    draw();
    try {
      const fields = unsendable(now.choices);
      if (Object.keys(fields).length) throw new Unsendable(fields);
      await work();
    } catch (error) {
      const problems = error.fields || {};
      now.choices = refuse(now.choices, problems);
      const named = Object.entries(problems).map(([field, why]) => `${nameOf(field)}: ${why}.`);
      now.problem = [error.message, ...named].join(" ");
    }
    now.isBusy = false;
    draw();
  }
}

class Unsendable extends Error {
  constructor(fields) {
    super("Some of the settings need attention.");
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
