// Microsoft's permission: what is asked for and why, what came of it, and who else may grant it.

import { ENTRA, get, post } from "./api.js";
import { announce, h, redraw, say } from "./dom.js";
import { panel } from "./parts.js";
import { CONSENT_ERROR } from "./words.js";

/** What the connector needs of each user, whatever is mapped. */
const NEEDED = {
  id: "Object id",
  accountEnabled: "Whether the account is enabled",
  userType: "Whether it is a guest",
  mail: "Email",
};
const LOOK_MS = 3000;

/** Ask for the permission. `error` is why Microsoft's answer was none, if it came back with one. */
export async function permissions({ place }, card, error) {
  const [fields, saved] = await Promise.all([get(`${ENTRA}/fields`), get(`${ENTRA}/config`)]);
  const notAnAdministrator = error === "not_an_administrator";
  place.replaceChildren(
    whatHappened(card, error) || "",
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
      notAnAdministrator
        ? null
        : h("details", {}, h("summary", {}, "Does somebody else manage Microsoft for you?"), handOver()),
    ),
  );
}

function whatHappened(card, error) {
  if (error) {
    const [title, text] = CONSENT_ERROR[error] || CONSENT_ERROR.not_valid;
    const waits = error === "not_an_administrator";
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
  if (!card.list) return null;
  const list = h("a", { href: "#/contacts" }, card.list.name);
  const stays = " stays in your workspace. Connect again at any time.";
  return panel("info", "Disconnected", h("p", {}, "Syncing has ended. ", list, stays));
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

const grant = (place) => async (event) => {
  const button = event.currentTarget;
  button.setAttribute("aria-disabled", "true");
  try {
    location.assign((await post(`${ENTRA}/consent`)).redirectUrl);
  } catch (error) {
    button.removeAttribute("aria-disabled");
    say(place.querySelector("#grant-problem"), error.message);
  }
};

/** The permission is granted, but does not work everywhere yet: look until it does. */
export function spreading(stage, card) {
  const text = `${card.tenant.displayName} has granted the permission. It can take Microsoft some minutes, rarely up to an hour, until it works everywhere. emu.chat tries again by itself; you can close this page.`;
  redraw(stage.place, panel("wait", "The permission is spreading", h("p", {}, text)));
  announce("The permission is spreading.");
  const show = (now) => {
    if (now.permission !== "spreading") stage.reload();
  };
  return stage.watch(
    () => get(ENTRA),
    show,
    () => LOOK_MS,
  )();
}
