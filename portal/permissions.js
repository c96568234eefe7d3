// Microsoft's permission: what is asked for and why, what came of it, and who else may grant it.

import { ENTRA, get, offeredFields, post } from "./api.js";
import { announce, h, redraw, say } from "./dom.js";
import { handOver, handedOver } from "./handover.js";
import { copyable, help, panel, signIn, textOf } from "./parts.js";
import { forgetVerifier, keepVerifier } from "./review.js";
import { clock, contacts, isText, rich, t } from "./words.js";

const LOOK_MS = 3000;
const NEEDS_AN_ADMINISTRATOR = ["not_an_administrator", "approval_needed"];

/** Ask for the permission. `error` is why Microsoft's answer was none, if it came back with one. */
export async function permissions(stage, card, error, steps) {
  const [fields, saved] = await Promise.all([offeredFields(), get(`${ENTRA}/config`)]);
  if (!error && !card.tenant && card.list) {
    await disconnected(stage, card, fields, saved);
    return;
  }
  const handsOver = NEEDS_AN_ADMINISTRATOR.includes(error);
  stage.place.replaceChildren(
    ...[steps, whatHappened(card, error), asking(stage.place, fields, saved, handsOver)].filter(Boolean),
  );
}

function asking(place, fields, saved, handsOver) {
  return h(
    "section",
    { class: "box" },
    h("h2", {}, t("permission.title")),
    h("p", {}, rich("permission.text", { scope: h("code", {}, "User.Read.All") })),
    help("connect"),
    willBeRead(fields, saved),
    h(
      "div",
      { class: "actions" },
      h(
        "button",
        { type: "button", class: "primary", id: "grant", onclick: () => grant(place) },
        t("permission.grant"),
      ),
    ),
    h("p", { id: "grant-problem", class: "problem", role: "alert" }),
    handsOver
      ? null
      : h("details", { open: Boolean(handedOver()) }, h("summary", {}, t("permission.else")), handingOver()),
  );
}

function whatHappened(card, error) {
  if (error) {
    const reason = isText(`consent.${error}.text`) ? error : "not_valid";
    const waits = NEEDS_AN_ADMINISTRATOR.includes(error);
    const text = h("p", {}, t(`consent.${reason}.text`));
    return panel(waits ? "wait" : "bad", t(`consent.${reason}`), text, waits ? handingOver() : null);
  }
  if (card.permissionError) {
    const again = h("p", {}, t("permission.again"));
    return panel("bad", t("permission.refused"), h("p", {}, card.permissionError), again);
  }
  if (card.tenant) {
    const text = t("permission.withdrawn.text", { tenant: card.tenant.displayName });
    return panel("bad", t("permission.withdrawn"), h("p", {}, text));
  }
  return null;
}

/** Exactly what is asked of Graph: what the connector needs, and what is mapped. */
function willBeRead(fields, saved) {
  const labels = new Map(fields.directoryFields.map((one) => [one.name, one.label]));
  const ruled = saved.scopeRules.map((one) => one.field);
  const countries = saved.phoneNumbers === "e164" ? ["usageLocation", "country"] : [];
  const mapped = saved.fieldMappings.map((one) => one.source);
  const names = new Set([...fields.neededFields, ...mapped, ...ruled, ...countries]);
  const labelOf = (name) => labels.get(name) || (isText(`needed.${name}`) ? t(`needed.${name}`) : name);
  return h(
    "div",
    {},
    h("p", {}, t("permission.read")),
    h(
      "ul",
      { class: "chips", id: "will-be-read" },
      [...names].map((name) => h("li", { "data-field": name }, labelOf(name))),
    ),
  );
}

/** What an administrator sends to whoever manages Microsoft, who needs no account here. It is made when it is asked for. */
function handingOver() {
  const place = h("div", { id: "handing-over" });
  const problem = h("p", { class: "problem", role: "alert" });
  const make = async () => {
    say(problem, "");
    try {
      show(handOver(await post(`${ENTRA}/consent`)));
      forgetVerifier();
      document.getElementById("hand-over").focus();
    } catch (error) {
      problem.replaceChildren(textOf(error), " ", signIn(error) || "");
    }
  };
  const show = (kept) => {
    const again = h(
      "button",
      { type: "button", id: "make-link", onclick: make },
      t(kept ? "hand.over.again" : "hand.over.make"),
    );
    const until = kept ? h("p", { id: "good-until" }, t("hand.over.until", { when: clock(kept.until) })) : "";
    place.replaceChildren(kept ? copyable("hand-over", t("hand.over.link"), kept.link) : "", until, again, problem);
  };
  show(handedOver());
  return h("div", {}, h("p", {}, t("hand.over")), place);
}

async function grant(place) {
  const problem = place.querySelector("#grant-problem");
  say(problem, "");
  try {
    const { redirectUrl, verifier } = await post(`${ENTRA}/consent`);
    keepVerifier(verifier);
    location.assign(redirectUrl);
  } catch (error) {
    problem.replaceChildren(textOf(error), " ", signIn(error) || "");
  }
}

/** The permission is granted, but does not work everywhere yet: look until it does. */
export function spreading(stage, card) {
  const text = t("permission.spreading.text", { tenant: card.tenant.displayName });
  redraw(stage.place, panel("wait", t("permission.spreading"), h("p", {}, text)));
  announce(t("permission.spreading"));
  const show = (now) => {
    if (now.permission !== "spreading") stage.reload();
  };
  return stage
    .watch(
      () => get(ENTRA),
      show,
      () => LOOK_MS,
    )
    .now();
}

/**
 * The connection has ended. Its contacts are worked on in the background: until none is linked, the page looks.
 * `stage.known.contacts` is what was chosen for them, "keep" or "delete", where it was chosen here.
 */
async function disconnected(stage, card, fields, saved) {
  const { totals } = await get(`${ENTRA}/status`);
  const list = h("a", { href: "#/contacts" }, card.list.name);
  if (!totals.linked) {
    const left = totals.contacts
      ? t("disconnected.stays", { contacts: contacts(totals.contacts) })
      : t("disconnected.empty");
    const text = h("p", {}, `${t("disconnected.text")} `, list, ` ${left} ${t("disconnected.again")}`);
    stage.place.replaceChildren(
      panel("info", t(card.endedBy ? "disconnected.ended" : "disconnected.title"), whoEnded(card), text),
      asking(stage.place, fields, saved, false),
    );
    return;
  }
  const text = t(`disconnecting.${stage.known.contacts || "chosen"}`, { contacts: contacts(totals.linked) });
  stage.place.replaceChildren(
    panel("wait", t("disconnecting.title"), whoEnded(card), h("p", {}, `${text} `, list, ".")),
  );
  const show = (now) => {
    if (!now.totals.linked) stage.reload();
  };
  stage
    .watch(
      () => get(`${ENTRA}/status`),
      show,
      () => LOOK_MS,
    )
    .later();
}

/** Nobody of this workspace ended it: who did, and what that means here. */
function whoEnded(card) {
  if (!card.endedBy) return null;
  return h("p", { id: "ended-by" }, t("disconnected.by", { name: card.endedBy }));
}
