// The connector's view: what stands between an administrator and a synced list, in the order of the help article.

import { ENTRA, call, get, post } from "./api.js";
import { announce, ask, h, panel, redraw } from "./dom.js";
import { reload } from "./app.js";
import { configuration } from "./configuration.js";
import { status } from "./status.js";
import { CONSENT_ERROR } from "./words.js";

export async function entraView(stage) {
  const returned = new URLSearchParams(location.search);
  if (returned.has("consent_code") || returned.has("consent_error")) {
    // The code is spent once; the address must not offer it again.
    history.replaceState(null, "", `${location.pathname}#/entra`);
  }
  const code = returned.get("consent_code");
  if (code) stage.place.replaceChildren(h("p", { class: "quiet" }, "Connecting your directory…"));
  const card = code ? await post(`${ENTRA}/consent/complete`, { code }) : await get(ENTRA);
  if (!card.canConfigure) {
    stage.place.replaceChildren(
      panel("info", card.disabledReason, h("p", {}, "Only a workspace administrator can set up this integration.")),
    );
    return;
  }
  const error = returned.get("consent_error");
  if (card.permission === "spreading") await spreading(stage, card);
  else if (card.connection === "permissions_required") await permissions(stage, card, error);
  else await connected(stage, card);
}

async function permissions({ place }, card, error) {
  const [fields, saved] = await Promise.all([get(`${ENTRA}/fields`), get(`${ENTRA}/config`)]);
  const told = [];
  if (error) {
    const [title, text] = CONSENT_ERROR[error] || CONSENT_ERROR.not_valid;
    told.push(
      panel(
        error === "not_an_administrator" ? "wait" : "bad",
        title,
        h("p", {}, text),
        error === "not_an_administrator" ? handOver() : null,
      ),
    );
  } else if (card.permissionError) {
    told.push(
      panel(
        "bad",
        "Microsoft did not let emu.chat in",
        h("p", {}, card.permissionError),
        h("p", {}, "Grant permissions again."),
      ),
    );
  } else if (card.tenant) {
    told.push(
      panel(
        "bad",
        "The permission was withdrawn",
        h(
          "p",
          {},
          `Microsoft no longer lets emu.chat read ${card.tenant.displayName}. Your contacts and settings are kept; hourly syncs have stopped. Grant permissions again, and a full sync follows by itself.`,
        ),
      ),
    );
  } else if (card.list) {
    told.push(
      panel(
        "info",
        "Disconnected",
        h(
          "p",
          {},
          "Syncing has ended. ",
          h("a", { href: "#/contacts" }, card.list.name),
          " stays in your workspace. Connect again at any time.",
        ),
      ),
    );
  }
  place.replaceChildren(
    ...told,
    h(
      "section",
      { class: "box" },
      h("h2", {}, "Microsoft permissions required"),
      h(
        "p",
        {},
        "emu.chat needs your permission to read your organisation's users in Microsoft Entra ID. You sign in at Microsoft as an administrator and approve one request: read access (",
        h("code", {}, "User.Read.All"),
        "). Nothing can be changed with it.",
      ),
      willBeRead(fields, saved),
      h("button", { type: "button", class: "primary", id: "grant", onclick: grant(place) }, "Grant permissions"),
      h("p", { id: "grant-problem", class: "problem", role: "alert" }),
      error === "not_an_administrator"
        ? null
        : h("details", {}, h("summary", {}, "Does somebody else manage Microsoft for you?"), handOver()),
    ),
  );
}

/** Exactly what is asked of Graph: what the connector needs, and what is mapped. */
function willBeRead(fields, saved) {
  const needed = {
    id: "Object id",
    accountEnabled: "Whether the account is enabled",
    userType: "Whether it is a guest",
    mail: "Email",
  };
  const labels = new Map(fields.directoryFields.map((one) => [one.name, one.label]));
  const names = new Set([...fields.neededFields, ...saved.fieldMappings.map((one) => one.source)]);
  return h(
    "div",
    {},
    h("p", {}, "What will be read of each user, and nothing else:"),
    h(
      "ul",
      { class: "chips", id: "will-be-read" },
      [...names].map((name) => h("li", { "data-field": name }, labels.get(name) || needed[name] || name)),
    ),
  );
}

function handOver() {
  const link = location.origin + location.pathname + "#/entra";
  return h(
    "div",
    {},
    h(
      "p",
      {},
      "Send this link to somebody who is an administrator of this workspace and of your Microsoft tenant, or let your Microsoft administrator sign in on this device:",
    ),
    h(
      "label",
      {},
      "Link to hand over ",
      h("input", {
        type: "text",
        id: "hand-over",
        readonly: true,
        value: link,
        onfocus: (event) => event.target.select(),
      }),
    ),
  );
}

const grant = (place) => async (event) => {
  const button = event.currentTarget;
  button.setAttribute("aria-disabled", "true");
  try {
    location.assign((await post(`${ENTRA}/consent`)).redirectUrl);
  } catch (error) {
    button.removeAttribute("aria-disabled");
    place.querySelector("#grant-problem").textContent = error.message;
  }
};

async function spreading(stage, card) {
  const text = `${card.tenant.displayName} has granted the permission. It can take Microsoft some minutes, rarely up to an hour, until it works everywhere. emu.chat tries again by itself; you can close this page.`;
  redraw(stage.place, panel("wait", "The permission is spreading", h("p", {}, text)));
  announce("The permission is spreading.");
  stage.every(
    () => 3000,
    async () => {
      const now = await get(ENTRA);
      if (now.permission !== "spreading") reload();
    },
  );
}

async function connected(stage, card) {
  const sync = h("section", { class: "box", "aria-labelledby": "sync-title" });
  const settings = h("section", { class: "box", "aria-labelledby": "settings-title" });
  const active = card.connection === "active";
  const links = active
    ? h(
        "p",
        { class: "links" },
        h("a", { href: "#/contacts" }, card.list.name),
        h("a", { href: "#/history" }, "History"),
        h("a", { href: "#/audit" }, "Audit trail"),
      )
    : h("p", {}, "Choose what syncs, then save: syncing starts automatically and then runs every hour.");
  stage.place.replaceChildren(
    h("p", { class: "quiet" }, `Connected to ${card.tenant.displayName}.`),
    links,
    ...(active ? [sync] : []),
    settings,
    h("p", {}, h("button", { type: "button", id: "disconnect", class: "danger", onclick: disconnect }, "Disconnect")),
  );
  await Promise.all([active ? status(stage, sync) : null, configuration(stage, settings, card, active)]);
}

async function disconnect() {
  const keep = h("input", { type: "radio", name: "contacts", value: "keep", checked: true });
  const remove = h("input", { type: "radio", name: "contacts", value: "delete", id: "delete-contacts" });
  const choice = h(
    "fieldset",
    {},
    h("legend", {}, "What becomes of the synced contacts?"),
    h("label", { class: "choice" }, keep, " Keep them, without their link to the directory"),
    h("label", { class: "choice" }, remove, " Delete them for good"),
  );
  if (!(await ask("Disconnect Microsoft Entra ID?", choice, "Disconnect", "Cancel", true))) return;
  await call("DELETE", `${ENTRA}?contacts=${remove.checked ? "delete" : "keep"}`);
  announce("Disconnected.");
  reload();
}
