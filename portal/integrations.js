// The Integrations page: one card, which only an administrator can open.

import { ENTRA, get } from "./api.js";
import { h, redraw } from "./dom.js";
import { headline } from "./state.js";

const LOOK_MS = 5000;

export async function integrationsView(stage) {
  const show = (gathered) => redraw(stage.place, cardOf(gathered));
  addEventListener("keydown", dismissTip);
  stage.onLeave(() => removeEventListener("keydown", dismissTip));
  show(await gather());
  stage.watch(gather, show, () => LOOK_MS).later();
}

async function gather() {
  const card = await get(ENTRA);
  return { card, told: card.connection === "active" ? await get(`${ENTRA}/status`) : null };
}

function cardOf({ card, told }) {
  const stands = headline(card, told);
  const parts = [
    h("img", { src: "icon.svg", alt: "", width: "40", height: "40" }),
    h(
      "span",
      { class: "card-text" },
      h("strong", {}, "Entra Id"),
      h("span", {}, "Sync your organisation's people into emu.chat as contacts."),
      h("span", { class: "quiet", id: "card-state" }, card.tenant ? `${card.tenant.displayName}: ${stands}` : stands),
    ),
  ];
  return [
    card.canConfigure ? openCard(parts) : closedCard(parts, card.disabledReason),
    card.list
      ? h("p", {}, "Everybody can see the synced people: ", h("a", { href: "#/contacts" }, card.list.name), ".")
      : null,
  ];
}

function openCard(parts) {
  return h("a", { class: "card", id: "entra-card", href: "#/entra" }, parts);
}

/** Not `disabled`: the keyboard and a screen reader must reach the reason. */
function closedCard(parts, reason) {
  const undismiss = (event) => delete event.currentTarget.dataset.dismissed;
  return h(
    "div",
    { class: "tipped", onmouseleave: undismiss, onfocusout: undismiss },
    h(
      "button",
      { type: "button", class: "card", id: "entra-card", "aria-disabled": "true", "aria-describedby": "entra-tip" },
      parts,
    ),
    h("span", { role: "tooltip", id: "entra-tip", class: "tip" }, reason),
  );
}

/** Escape hides a tip until the pointer or the focus has left it (WCAG 1.4.13). */
function dismissTip(event) {
  if (event.key !== "Escape") return;
  for (const one of document.querySelectorAll(".tipped")) one.dataset.dismissed = "";
}
