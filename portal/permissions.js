// Microsoft's permission: what is asked for and why, what came of it, and who else may grant it.

import { ENTRA, get, post } from "./api.js";
import { announce, h, redraw, say } from "./dom.js";
import { panel, signIn, textOf } from "./parts.js";
import { keepVerifier } from "./review.js";
import { CONSENT_ERROR, contacts } from "./words.js";

/** What the connector needs of each user, whatever is mapped. */
const NEEDED = {
  id: "Object id",
  accountEnabled: "Whether the account is enabled",
  userType: "Whether it is a guest",
  mail: "Email",
};
const LOOK_MS = 3000;
const NEEDS_AN_ADMINISTRATOR = ["not_an_administrator", "approval_needed"];

/** Ask for the permission. `error` is why Microsoft's answer was none, if it came back with one. */
export async function permissions(stage, card, error) {
  const [fields, saved] = await Promise.all([get(`${ENTRA}/fields`), get(`${ENTRA}/config`)]);
  if (!error && !card.tenant && card.list) {
    await disconnected(stage, card, fields, saved);
    return;
  }
  const handsOver = NEEDS_AN_ADMINISTRATOR.includes(error);
  stage.place.replaceChildren(whatHappened(card, error) || "", asking(stage.place, fields, saved, handsOver));
}

function asking(place, fields, saved, handsOver) {
  return h(
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
    h("button", { type: "button", class: "primary", id: "grant", onclick: () => grant(place) }, "Grant permissions"),
    h("p", { id: "grant-problem", class: "problem", role: "alert" }),
    handsOver ? null : h("details", {}, h("summary", {}, "Does somebody else manage Microsoft for you?"), handOver()),
  );
}

function whatHappened(card, error) {
  if (error) {
    const [title, text] = (Object.hasOwn(CONSENT_ERROR, error) && CONSENT_ERROR[error]) || CONSENT_ERROR.not_valid;
    const waits = NEEDS_AN_ADMINISTRATOR.includes(error);
    return panel(waits ? "wait" : "bad", title, h("p", {}, text), waits ? handOver() : null);
  }
  if (card.permissionError) {
    const again = h("p", {}, "Grant permissions again.");
    return panel("bad", "Microsoft did not let emu.chat in", h("p", {}, card.permissionError), again);
  }
  if (card.tenant) {
    const text = `Microsoft no longer lets emu.chat read ${card.tenant.displayName}. Your contacts and settings are kept; hourly syncs have stopped. Grant permissions again, and a full sync follows by itself.`;
    return panel("bad", "The permission was withdrawn", h("p", {}, text));
  }
  return null;
}

/** Exactly what is asked of Graph: what the connector needs, and what is mapped. */
function willBeRead(fields, saved) {
  const labels = new Map(fields.directoryFields.map((one) => [one.name, one.label]));
  const names = new Set([...fields.neededFields, ...saved.fieldMappings.map((one) => one.source)]);
  return h(
    "div",
    {},
    h("p", {}, "What will be read of each user, and nothing else:"),
    h(
      "ul",
      { class: "chips", id: "will-be-read" },
      [...names].map((name) => h("li", { "data-field": name }, labels.get(name) || NEEDED[name] || name)),
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
  const text = `${card.tenant.displayName} has granted the permission. It can take Microsoft some minutes, rarely up to an hour, until it works everywhere. emu.chat tries again by itself; you can close this page.`;
  redraw(stage.place, panel("wait", "The permission is spreading", h("p", {}, text)));
  announce("The permission is spreading.");
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
 * The connection has ended. Its contacts are seen to in the background: until none is linked, the page looks.
 * `stage.known.contacts` is what was chosen for them, "keep" or "delete", where it was chosen here.
 */
async function disconnected(stage, card, fields, saved) {
  const told = await get(`${ENTRA}/status`);
  const list = h("a", { href: "#/contacts" }, card.list.name);
  if (!told.totals.linked) {
    const left = told.totals.contacts ? `stays in your workspace, with ${contacts(told.totals.contacts)}` : "is empty";
    const text = h("p", {}, "Syncing has ended. ", list, ` ${left}. Connect again at any time.`);
    const title = card.endedBy ? "Your organisation's administrator ended this connection" : "Disconnected";
    stage.place.replaceChildren(panel("info", title, whoEnded(card), text), asking(stage.place, fields, saved, false));
    return;
  }
  const act =
    { keep: "unlinked; they stay in ", delete: "deleted from " }[stage.known.contacts] ||
    "unlinked or deleted, as was chosen, in ";
  const text = `Syncing has ended. The ${contacts(told.totals.linked)} from the directory are being ${act}`;
  stage.place.replaceChildren(panel("wait", "Disconnecting…", whoEnded(card), h("p", {}, text, list, ".")));
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
  const text = `${card.endedBy} ended it at a grant for another workspace. To connect again, an administrator of the organisation has to approve.`;
  return h("p", { id: "ended-by" }, text);
}
