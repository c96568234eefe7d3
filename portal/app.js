// Which view is shown: the address after '#' says it, so that back, forward and links work.

import { ApiError, SignedOut, person } from "./api.js";
import { ask, h, panel } from "./dom.js";
import { integrationsView } from "./integrations.js";
import { entraView } from "./entra.js";
import { auditView, historyView, runView } from "./history.js";
import { contactView, contactsView } from "./contacts.js";

const VIEWS = [
  [/^#\/?$/, integrationsView, "Integrations"],
  [/^#\/entra$/, entraView, "Entra Id"],
  [/^#\/history$/, historyView, "History"],
  [/^#\/history\/([\w-]+)$/, runView, "Run"],
  [/^#\/audit$/, auditView, "Audit trail"],
  [/^#\/contacts$/, contactsView, "Contacts"],
  [/^#\/contacts\/([\w-]+)$/, contactView, "Contact"],
];

const main = document.getElementById("main");
let leave = () => {};
let shownAddress = "";
let unsaved = () => false;

/** What a view is given: its place, and how to say that something is unsaved or to be ended with it. */
function stage(place) {
  const endings = [];
  leave = () => endings.forEach((end) => end());
  unsaved = () => false;
  return {
    place,
    alive: () => place.isConnected,
    onLeave: (end) => endings.push(end),
    guard: (isUnsaved) => {
      unsaved = isUnsaved;
    },
    /** Works again and again, at an interval that may change; what it gives back begins the interval anew. */
    every(milliseconds, work) {
      let timer;
      const wait = () => {
        clearTimeout(timer);
        if (place.isConnected) timer = setTimeout(again, milliseconds());
      };
      const again = async () => {
        await work().catch((error) => failed(place, error));
        wait();
      };
      wait();
      endings.push(() => clearTimeout(timer));
      return wait;
    },
  };
}

export function failed(place, error) {
  if (!place.isConnected) return;
  if (error instanceof SignedOut) {
    const back = `${error.signIn}?return=${encodeURIComponent(location.href)}`;
    const link = error.signIn ? h("a", { class: "button primary", href: back, id: "sign-in" }, "Sign in") : null;
    place.replaceChildren(
      panel("info", "Sign in to emu.chat", h("p", {}, "Your sign-in is missing or has ended."), link),
    );
    return;
  }
  if (!(error instanceof ApiError)) console.error(error);
  const again = h("button", { type: "button", onclick: () => show(true) }, "Try again");
  const text = error instanceof ApiError ? error.message : "Something on this page went wrong. Try again.";
  place.replaceChildren(panel("bad", "That did not work", h("p", {}, text), again));
}

async function show(again = false) {
  const address = location.hash || "#/";
  if (address === shownAddress && !again) return;
  if (address !== shownAddress && unsaved()) {
    const go = await ask(
      "Leave without saving?",
      "Your changes of the configuration are not saved yet.",
      "Leave",
      "Stay",
    );
    if (!go) {
      history.replaceState(null, "", shownAddress);
      return;
    }
  }
  const first = !shownAddress;
  shownAddress = address;
  leave();
  const [pattern, view, title] = VIEWS.find(([one]) => one.test(address)) || VIEWS[0];
  const place = h("div", {});
  const heading = h("h1", { tabindex: "-1" }, title);
  main.replaceChildren(heading, place);
  document.title = `${title} · emu.chat`;
  markPage(address);
  if (!first && !again) heading.focus();
  try {
    await view(stage(place), ...(address.match(pattern)?.slice(1) || []));
  } catch (error) {
    failed(place, error);
  }
}

const PAGES = [
  ["#/", "Integrations"],
  ["#/contacts", "Contacts"],
];

function markPage(address) {
  for (const link of document.querySelectorAll("#nav a")) {
    const here = link.hash === "#/contacts" ? address.startsWith("#/contacts") : !address.startsWith("#/contacts");
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

document.getElementById("nav").append(...PAGES.map(([href, text]) => h("a", { href }, text)));
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", () => show());
addEventListener("beforeunload", (event) => {
  if (unsaved()) event.preventDefault();
});

// Microsoft's return lands here, without a '#': the connector's view sees to it.
if (/[?&]consent_(code|error)=/.test(location.search)) location.hash = "#/entra";
show();
person().then(
  (who) => document.querySelector(".top").append(h("span", { class: "who" }, `${who.name}, ${who.workspace}`)),
  () => {},
);
export function reload() {
  return show(true);
}
