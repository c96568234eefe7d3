// The connector's Overview and Settings: what stands between an administrator and a synced list, in the article's order.

import { ENTRA, call, get } from "./api.js";
import { announce, h, say } from "./dom.js";
import { frame } from "./frame.js";
import { overview } from "./overview.js";
import { ask, icon, panel, signIn, textOf } from "./parts.js";
import { pausing } from "./pausing.js";
import { permissions, spreading } from "./permissions.js";
import { forgetVerifier, isOfAnother, review, sendBack } from "./review.js";
import { settings } from "./settings.js";
import { contacts, t } from "./words.js";

const STEPS = ["connect", "choose", "sync"];

export async function entraView(stage) {
  const returned = new URLSearchParams(location.search);
  if (returned.has("consent_code") || returned.has("consent_error")) {
    // The code is spent once; the address must not offer it again.
    history.replaceState(null, "", `${location.pathname}#/entra`);
  }
  const code = returned.get("consent_code");
  if (returned.has("consent_error")) forgetVerifier();
  // Who granted what was handed over need not have an account here: nothing is asked for.
  if (code && isOfAnother()) {
    sendBack(stage, code);
    return;
  }
  const shown = overview(stage);
  const { card, look } = await frame(stage, "overview", shown.follow);
  if (!card.canConfigure) onlyAdmins(stage);
  else if (code) await review(stage, code);
  else if (card.permission === "spreading") await spreading(stage, card);
  else if (card.connection === "permissions_required") {
    await permissions(stage, card, returned.get("consent_error"), steps(card, "connect"));
  } else if (card.connection === "not_configured") await choosing(stage, card);
  else await shown.begin(card, look);
}

export async function settingsView(stage) {
  const { card, look } = await frame(stage, "settings");
  if (!card.canConfigure) onlyAdmins(stage);
  else if (card.connection === "permissions_required") location.hash = "#/entra";
  else if (card.connection === "not_configured") await choosing(stage, card);
  else {
    const form = h("div", { class: "form" });
    stage.place.replaceChildren(form, pausing(stage, card), ending(stage));
    await Promise.all([settings(stage, form, true, look), look()]);
  }
}

function onlyAdmins(stage) {
  stage.place.replaceChildren(panel("info", t("ask.admin"), h("p", {}, t("admin.only"))));
}

async function choosing(stage, card) {
  const form = h("div", { class: "form" });
  stage.place.replaceChildren(steps(card, "choose"), h("p", { class: "lead" }, t("form.first")), form, ending(stage));
  await settings(stage, form, false);
}

/** How far the setting up is; nothing once the list was synced before. */
function steps(card, now) {
  if (card.list && now === "connect") return null;
  const at = STEPS.indexOf(now);
  return h(
    "ol",
    { class: "steps", "aria-label": t("setup.label") },
    STEPS.map((name, n) =>
      h(
        "li",
        { class: n < at ? "done" : "", "aria-current": n === at && "step" },
        h("span", { class: "dot", "aria-hidden": "true" }, n < at ? icon("good") : String(n + 1)),
        t(`setup.${name}`),
      ),
    ),
  );
}

/** What ends the connection. */
function ending(stage) {
  const problem = h("p", { id: "disconnect-problem", class: "problem", role: "alert" });
  return h(
    "section",
    { class: "box ending", "aria-labelledby": "ending-title" },
    h(
      "div",
      {},
      h("h2", { id: "ending-title" }, t("disconnect")),
      h("p", { class: "quiet" }, t("disconnect.told")),
      problem,
    ),
    h(
      "button",
      { type: "button", id: "disconnect", class: "danger", onclick: () => disconnect(stage, problem) },
      t("disconnect"),
    ),
  );
}

async function disconnect(stage, problem) {
  say(problem, "");
  try {
    const { totals } = await get(`${ENTRA}/status`);
    const wanted = await contactsOnDisconnect(totals.linked);
    if (!wanted) return;
    await call("DELETE", `${ENTRA}?contacts=${wanted}`);
    announce(t("disconnect.spoken"));
    stage.move("#/entra", { contacts: wanted });
  } catch (error) {
    problem.replaceChildren(`${t("disconnect.failed")} `, textOf(error), " ", signIn(error) || "");
  }
}

/** Ask what becomes of the synced contacts: "keep", "delete", or null for not disconnecting at all. */
async function contactsOnDisconnect(linked) {
  const remove = h("input", { type: "radio", name: "contacts", value: "delete", id: "delete-contacts" });
  const choice = h(
    "fieldset",
    {},
    h("legend", {}, t("disconnect.what", { contacts: contacts(linked) })),
    h(
      "label",
      { class: "choice" },
      h("input", { type: "radio", name: "contacts", value: "keep", checked: true }),
      h("span", {}, t("disconnect.keep")),
    ),
    h("label", { class: "choice" }, remove, h("span", {}, t("disconnect.delete"))),
  );
  const sure = await ask(t("disconnect.title"), choice, t("disconnect"), t("button.cancel"), true);
  return sure ? (remove.checked ? "delete" : "keep") : null;
}
