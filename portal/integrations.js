// The Integrations page: one card, which only an administrator can open.

import { ENTRA, get } from "./api.js";
import { h } from "./dom.js";

const TOLD = {
  permissions_required: "Not connected",
  not_configured: "Connected, not configured yet",
  active: "Syncing every hour",
};

export async function integrationsView({ place }) {
  const card = await get(ENTRA);
  const parts = [
    h("img", { src: "icon.svg", alt: "", width: "40", height: "40" }),
    h(
      "span",
      { class: "card-text" },
      h("strong", {}, "Entra Id"),
      h("span", {}, "Sync your organisation's people into emu.chat as contacts."),
      h(
        "span",
        { class: "quiet" },
        card.tenant ? `${card.tenant.displayName}: ${TOLD[card.connection]}` : TOLD[card.connection],
      ),
    ),
  ];
  const list = card.list
    ? h("p", {}, "Everybody can see the synced people: ", h("a", { href: "#/contacts" }, card.list.name), ".")
    : null;
  place.replaceChildren(card.canConfigure ? openCard(parts) : closedCard(parts, card.disabledReason), list || "");
}

function openCard(parts) {
  return h("a", { class: "card", id: "entra-card", href: "#/entra" }, parts);
}

/** Not `disabled`: the keyboard and a screen reader must reach the reason. */
function closedCard(parts, reason) {
  return h(
    "div",
    { class: "tipped" },
    h(
      "button",
      { type: "button", class: "card", id: "entra-card", "aria-disabled": "true", "aria-describedby": "entra-tip" },
      parts,
    ),
    h("span", { role: "tooltip", id: "entra-tip", class: "tip" }, reason),
  );
}
