// The connector's view: what stands between an administrator and a synced list, in the order of the help article.

import { ENTRA, call, get } from "./api.js";
import { announce, h, say } from "./dom.js";
import { ask, panel, signIn, textOf } from "./parts.js";
import { permissions, spreading } from "./permissions.js";
import { review } from "./review.js";
import { settings } from "./settings.js";
import { status } from "./status.js";
import { contacts } from "./words.js";

export async function entraView(stage) {
  const returned = new URLSearchParams(location.search);
  if (returned.has("consent_code") || returned.has("consent_error")) {
    // The code is spent once; the address must not offer it again.
    history.replaceState(null, "", `${location.pathname}#/entra`);
  }
  const code = returned.get("consent_code");
  const card = await get(ENTRA);
  if (!card.canConfigure) {
    stage.place.replaceChildren(
      panel("info", card.disabledReason, h("p", {}, "Only a workspace administrator can set up this integration.")),
    );
    return;
  }
  if (code) await review(stage, code);
  else if (card.permission === "spreading") await spreading(stage, card);
  else if (card.connection === "permissions_required") await permissions(stage, card, returned.get("consent_error"));
  else await connected(stage, card);
}

async function connected(stage, card) {
  const sync = h("section", { class: "box", id: "sync", tabindex: "-1", "aria-labelledby": "sync-title" });
  const form = h("section", { class: "box", "aria-labelledby": "settings-title" });
  const problem = h("p", { id: "disconnect-problem", class: "problem", role: "alert" });
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
    h("p", { class: "quiet" }, `Connected to ${card.tenant.displayName}. Tenant id `, h("code", {}, card.tenant.id)),
    links,
    ...(active ? [sync] : []),
    form,
    h(
      "p",
      {},
      h(
        "button",
        { type: "button", id: "disconnect", class: "danger", onclick: () => disconnect(stage, problem) },
        "Disconnect",
      ),
    ),
    problem,
  );
  await Promise.all([active ? status(stage, sync) : null, settings(stage, form, active)]);
}

async function disconnect(stage, problem) {
  say(problem, "");
  try {
    const { totals } = await get(`${ENTRA}/status`);
    const wanted = await contactsOnDisconnect(totals.linked);
    if (!wanted) return;
    await call("DELETE", `${ENTRA}?contacts=${wanted}`);
    announce("Disconnected.");
    stage.reload({ contacts: wanted });
  } catch (error) {
    problem.replaceChildren("Not disconnected. ", textOf(error), " ", signIn(error) || "");
  }
}

/** Ask what becomes of the synced contacts: "keep", "delete", or null for not disconnecting at all. */
async function contactsOnDisconnect(linked) {
  const remove = h("input", { type: "radio", name: "contacts", value: "delete", id: "delete-contacts" });
  const choice = h(
    "fieldset",
    {},
    h("legend", {}, `What becomes of the ${contacts(linked)} from the directory?`),
    h(
      "label",
      { class: "choice" },
      h("input", { type: "radio", name: "contacts", value: "keep", checked: true }),
      " Keep them, without their link to the directory",
    ),
    h("label", { class: "choice" }, remove, " Delete them for good"),
  );
  const sure = await ask("Disconnect Microsoft Entra ID?", choice, "Disconnect", "Cancel", true);
  return sure ? (remove.checked ? "delete" : "keep") : null;
}
