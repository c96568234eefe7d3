// The Integrations page: one card, which only an administrator can open.

import { ENTRA, get } from "./api.js";
import { h, redraw } from "./dom.js";
import { chip, help } from "./parts.js";
import { isSetUp, standing } from "./state.js";
import { t } from "./words.js";

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
  return { card, told: isSetUp(card) ? await get(`${ENTRA}/status`) : null };
}

function cardOf({ card, told }) {
  const { kind, text } = standing(card, told);
  return h(
    "section",
    { class: "card integration", "aria-labelledby": "entra-title" },
    h("img", { src: "icon.svg", alt: "", width: "56", height: "56" }),
    h(
      "div",
      { class: "card-text" },
      h("h2", { id: "entra-title" }, t("page.entra")),
      h("p", {}, t("card.text")),
      h(
        "div",
        { id: "card-state", class: "card-state" },
        chip(kind),
        h("span", { class: "quiet" }, card.tenant ? `${card.tenant.displayName}: ${text}` : text),
      ),
      card.list
        ? h("p", { class: "small" }, t("card.list"), " ", h("a", { href: "#/contacts" }, card.list.name))
        : help("before"),
    ),
    card.canConfigure ? opener(card) : closed(),
  );
}

function opener(card) {
  const act = t(card.tenant ? "card.manage" : "card.connect");
  const kind = card.tenant ? "" : " primary";
  return h(
    "a",
    { class: `button${kind}`, id: "entra-card", href: "#/entra", "aria-label": t("card.name", { act }) },
    act,
  );
}

/** Not `disabled`: the keyboard and a screen reader must reach the reason. */
function closed() {
  const undismiss = (event) => delete event.currentTarget.dataset.dismissed;
  const act = t("card.manage");
  return h(
    "div",
    { class: "tipped", onmouseleave: undismiss, onfocusout: undismiss },
    h(
      "button",
      {
        type: "button",
        id: "entra-card",
        "aria-disabled": "true",
        "aria-describedby": "entra-tip",
        "aria-label": t("card.name", { act }),
      },
      act,
    ),
    h("span", { role: "tooltip", id: "entra-tip", class: "tip" }, t("ask.admin")),
  );
}

/** Escape hides a tip until the pointer or the focus has left it (WCAG 1.4.13). */
function dismissTip(event) {
  if (event.key !== "Escape") return;
  for (const one of document.querySelectorAll(".tipped")) one.dataset.dismissed = "";
}
