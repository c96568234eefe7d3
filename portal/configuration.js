// Choose what syncs: field mappings, conflict resolution, deletion behavior; a preview; and saving.

import { ENTRA, call, get, post } from "./api.js";
import { reload } from "./app.js";
import { announce, ask, h, redraw, say } from "./dom.js";
import { OUTCOME, contacts, number, people } from "./words.js";

const CONFLICT = [
  [
    "source_wins",
    "Always update from source",
    "Overwrites local edits with the directory's values on each sync, empty values included.",
  ],
  [
    "keep_local",
    "Keep local changes",
    "Preserves what people typed in emu.chat and only fills in fields that are empty.",
  ],
];
const DELETION = [
  ["unlink", "Unlink", "The contact of somebody who left stays in the list, without its link to the directory."],
  ["hard_delete", "Hard Delete", "The contact of somebody who left is deleted for good."],
];
const SWITCHES = [
  ["includeGuests", "Guests", "Include guest accounts"],
  ["includeDisabled", "Disabled accounts", "Include accounts that are disabled, such as leavers and rooms"],
];

export async function configuration(stage, place, card, active) {
  const [fields, answer] = await Promise.all([get(`${ENTRA}/fields`), call("GET", `${ENTRA}/config`)]);
  let saved = answer.body;
  let etag = answer.headers.get("etag");
  let chosen = saved.fieldMappings.length
    ? structuredClone(saved)
    : { ...structuredClone(saved), fieldMappings: fields.defaultMappings };
  let problems = {};
  let switches = {};
  const isUnsaved = () => active && JSON.stringify(chosen) !== JSON.stringify(saved);
  stage.guard(isUnsaved);

  const body = h("div", {});
  const state = h("p", { id: "config-state", class: "quiet" });
  const problem = h("p", { id: "config-problem", class: "problem", role: "alert" });
  const shown = h("div", { id: "preview", tabindex: "-1" });
  const save = h("button", { type: "submit", class: "primary", id: "save" }, "Save Configuration");
  const preview = h("button", { type: "button", id: "show-preview", onclick: showPreview }, "Preview");
  const form = h(
    "form",
    { novalidate: true, onsubmit: submit },
    body,
    problem,
    h("div", { class: "actions" }, save, preview, state),
    shown,
  );
  place.replaceChildren(h("h2", { id: "settings-title" }, active ? "Configuration" : "Choose what syncs"), form);
  draw();

  function changed() {
    say(state, isUnsaved() ? "Not saved yet" : "");
    redraw(shown);
  }

  function draw() {
    redraw(
      body,
      mappings(),
      choice("Conflict Resolution", "When a contact exists in both systems", "conflictResolution", CONFLICT),
      choice("Deletion Behavior", "When a person is removed from the directory", "deletionBehavior", DELETION),
      scope(),
      guard(),
    );
    changed();
  }

  function mappings() {
    const targets = new Set(chosen.fieldMappings.map((one) => one.target));
    const free = fields.contactFields.find((one) => !targets.has(one.name));
    const add = () => {
      chosen.fieldMappings.push({ source: fields.directoryFields[0].name, target: free.name });
      draw();
      document.getElementById(`source-${chosen.fieldMappings.length - 1}`).focus();
    };
    return h(
      "fieldset",
      { id: "mappings" },
      h("legend", {}, "Field Mappings"),
      h("p", { class: "quiet" }, "Match each directory field to a contact field in your workspace."),
      h("ol", { class: "mappings" }, chosen.fieldMappings.map(mappingRow)),
      h("button", { type: "button", id: "add-mapping", disabled: !free, onclick: add }, "Add a field"),
      h("p", { class: "problem" }, problems.fieldMappings || ""),
    );
  }

  function mappingRow(mapping, place) {
    const select = (name, label, options) => {
      const wrong = problems[`fieldMappings[${place}].${name}`];
      const change = (event) => {
        mapping[name] = event.target.value;
        problems = {};
        draw();
      };
      const choices = options.map((one) =>
        h(
          "option",
          { value: one.name, selected: one.name === mapping[name] },
          one.custom ? `${one.label} (custom)` : one.label,
        ),
      );
      return h(
        "label",
        {},
        h("span", { class: "small" }, label),
        h(
          "select",
          {
            id: `${name}-${place}`,
            onchange: change,
            "aria-invalid": wrong ? "true" : false,
            "aria-describedby": wrong ? `${name}-${place}-wrong` : false,
          },
          choices,
        ),
        wrong ? h("span", { class: "problem", id: `${name}-${place}-wrong` }, wrong) : null,
      );
    };
    const label = fields.contactFields.find((one) => one.name === mapping.target)?.label || mapping.target;
    const remove = () => {
      chosen.fieldMappings.splice(place, 1);
      problems = {};
      draw();
      document.getElementById("add-mapping").focus();
      announce(`${label} is not mapped any more.`);
    };
    return h(
      "li",
      {},
      select("source", "Directory field", fields.directoryFields),
      h("span", { class: "arrow", "aria-hidden": "true" }, "→"),
      select("target", "Contact field", fields.contactFields),
      h(
        "button",
        {
          type: "button",
          class: "plain",
          id: `remove-${place}`,
          "aria-label": `Remove the mapping to ${label}`,
          onclick: remove,
        },
        "Remove",
      ),
    );
  }

  function choice(legend, when, name, options) {
    return h(
      "fieldset",
      {},
      h("legend", {}, legend),
      h("p", { class: "quiet" }, `${when}:`),
      options.map(([value, label, told]) => {
        const change = () => {
          chosen[name] = value;
          changed();
        };
        return h(
          "label",
          { class: "choice" },
          h("input", {
            type: "radio",
            name,
            value,
            id: `${name}-${value}`,
            checked: chosen[name] === value,
            onchange: change,
          }),
          h("span", {}, h("strong", {}, label), " ", told),
        );
      }),
    );
  }

  function scope() {
    return h(
      "fieldset",
      {},
      h("legend", {}, "Who is included"),
      h("p", { class: "quiet" }, "Enabled accounts of your organisation's members always are."),
      SWITCHES.map(([name, short, label]) => {
        const change = (event) => {
          chosen[name] = event.target.checked;
          switches = {};
          draw();
        };
        const effect = switches[name];
        return h(
          "label",
          { class: "choice" },
          h("input", { type: "checkbox", id: name, checked: chosen[name], onchange: change }),
          h(
            "span",
            {},
            label,
            effect === undefined
              ? null
              : h(
                  "span",
                  { class: "effect", id: `${name}-effect` },
                  ` ${short}: ${effect > 0 ? "+" : ""}${number(effect)}`,
                ),
          ),
        );
      }),
    );
  }

  function guard() {
    const on = chosen.removalGuard !== null;
    const limit = (name, text) => {
      const wrong = problems[`removalGuard.${name}`];
      const change = (event) => {
        chosen.removalGuard[name] = Number(event.target.value);
        changed();
      };
      return h(
        "label",
        {},
        h("span", { class: "small" }, text),
        h("input", {
          type: "number",
          min: "0",
          id: `guard-${name}`,
          value: String(chosen.removalGuard[name]),
          onchange: change,
          "aria-invalid": wrong ? "true" : false,
        }),
        wrong ? h("span", { class: "problem" }, wrong) : null,
      );
    };
    const turn = (event) => {
      chosen.removalGuard = event.target.checked ? saved.removalGuard || { minimum: 20, percent: 10 } : null;
      draw();
    };
    return h(
      "fieldset",
      {},
      h("legend", {}, "Protection against accidental removals"),
      h(
        "label",
        { class: "choice" },
        h("input", { type: "checkbox", id: "guard", checked: on, onchange: turn }),
        h("span", {}, "Ask an administrator before a sync removes unusually many people at once"),
      ),
      on
        ? h(
            "div",
            { class: "pair" },
            limit("percent", "If more than this percent of the list"),
            limit("minimum", "and more than this many contacts"),
          )
        : null,
    );
  }

  async function submit(event) {
    event.preventDefault();
    if (chosen.deletionBehavior === "hard_delete" && saved.deletionBehavior !== "hard_delete") {
      const sure = await ask(
        "Delete for good?",
        "With Hard Delete, contacts of people who leave the directory cannot be brought back by unlinking and linking again.",
        "Use Hard Delete",
        "Go back",
        true,
      );
      if (!sure) return;
    }
    await trying(async () => {
      const told = await call("PUT", `${ENTRA}/config`, chosen, etag ? { "If-Match": etag } : {});
      saved = told.body;
      etag = told.headers.get("etag");
      chosen = structuredClone(saved);
      announce("The configuration is saved. A full sync begins.");
      if (active) draw();
      say(state, "Saved. A full sync applies it.");
      if (!active) {
        stage.guard(() => false);
        reload();
      }
    });
  }

  async function showPreview() {
    redraw(
      shown,
      h("p", { class: "quiet" }, "Reading your directory to see what would happen. Nothing is changed…"),
      h("progress", { "aria-label": "Preview" }),
    );
    announce("Reading your directory for the preview.");
    await trying(async () => {
      const told = await post(`${ENTRA}/preview`, chosen);
      switches = told.switches;
      draw();
      redraw(shown, previewed(told, fields));
      announce("The preview is ready.");
      shown.focus();
    });
    if (problem.textContent) redraw(shown);
  }

  async function trying(work) {
    say(problem, "");
    problems = {};
    for (const button of [save, preview]) button.setAttribute("aria-disabled", "true");
    try {
      await work();
    } catch (error) {
      problems = error.fields || {};
      draw();
      say(
        problem,
        [error.message, ...Object.entries(problems).map(([field, why]) => `${named(field)}: ${why}.`)].join(" "),
      );
    }
    for (const button of [save, preview]) button.removeAttribute("aria-disabled");
  }
}

/** "fieldMappings[2].target" as a person counts. */
const named = (field) =>
  field.replace(
    /^fieldMappings\[(\d+)\]\.(\w+)$/,
    (_, place, part) => `Mapping ${Number(place) + 1}, ${part === "target" ? "contact field" : "directory field"}`,
  );

function previewed(told, fields) {
  const label = new Map(fields.contactFields.map((one) => [one.name, one.label]));
  const counts = ["added", "linked", "updated", "unchanged", "removed", "unlinked"]
    .filter((name) => told.counts[name])
    .map((name) => `${number(told.counts[name])} ${OUTCOME[name]}`);
  const cards = told.sample.map((one) => {
    const names = [...new Set([...Object.keys(one.before), ...Object.keys(one.after)])];
    const rows = names.map((name) => {
      const [before, after] = [one.before[name], one.after[name]];
      const changes = one.outcome === "updated" && name in one.before && before !== after;
      const gone = after === undefined;
      return h(
        "div",
        {},
        h("dt", {}, label.get(name) || name),
        h(
          "dd",
          {},
          changes || gone ? h("del", {}, before) : null,
          changes && !gone ? " → " : null,
          gone ? null : h(changes ? "ins" : "span", {}, after),
        ),
      );
    });
    return h(
      "li",
      { class: "person" },
      h("strong", {}, one.name || "(no name)"),
      h("span", { class: `tag ${one.outcome}` }, OUTCOME[one.outcome]),
      h("dl", {}, rows),
    );
  });
  return [
    h("h3", {}, "Preview: nothing is saved or changed yet"),
    h(
      "p",
      { id: "preview-counts" },
      told.complete ? "A sync with these choices: " : `Of the first ${people(told.counts.read)}: `,
      counts.join(", ") || "nobody in the list",
      `; ${people(told.leftOut)} left out.`,
    ),
    told.waitsForApproval
      ? h(
          "p",
          { class: "problem" },
          `The removals would wait for your approval: ${contacts(told.counts.removed + told.counts.unlinked)}.`,
        )
      : null,
    h("ul", { class: "people", id: "preview-people" }, cards),
  ];
}
