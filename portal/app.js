// Which view is shown: the address after '#' says it, so that back, forward and links work.

import { person } from "./api.js";
import { h } from "./dom.js";
import { ask } from "./parts.js";
import { makeStage } from "./stage.js";
import { integrationsView } from "./integrations.js";
import { entraView } from "./entra.js";
import { auditView } from "./audit.js";
import { historyView, runView } from "./history.js";
import { contactsView } from "./contacts.js";
import { contactView } from "./contact.js";

const VIEWS = [
  [/^#\/?$/, integrationsView, "Integrations"],
  [/^#\/entra$/, entraView, "Entra Id"],
  [/^#\/history$/, historyView, "History"],
  [/^#\/history\/([\w-]+)$/, runView, "Run"],
  [/^#\/audit$/, auditView, "Audit trail"],
  [/^#\/contacts(?:\?search=(.*))?$/, contactsView, "Contacts"],
  [/^#\/contacts\/([\w-]+)$/, contactView, "Contact"],
];
const PAGES = [
  ["#/", "Integrations"],
  ["#/contacts", "Contacts"],
];

const main = document.getElementById("main");
let stage = null;
let shownAddress = "";

async function show(again = false, known = {}) {
  const address = location.hash || "#/";
  if (address === shownAddress && !again) return;
  if (address !== shownAddress && stage?.unsaved()) {
    const go = await ask(
      "Leave without saving?",
      stage.losable()
        ? "Your changes of the configuration are not saved yet."
        : "Your changes of the configuration are not saved yet. This browser keeps them until you come back.",
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
  stage?.leave();
  const [pattern, view, title] = VIEWS.find(([one]) => one.test(address)) || VIEWS[0];
  const mine = makeStage(title, { reload: (told) => show(true, told), readdress }, known);
  stage = mine;
  main.replaceChildren(mine.heading, mine.stumble, mine.trouble, mine.place);
  markPage(address);
  if (!first && !again) mine.heading.focus();
  try {
    await view(mine, ...(address.match(pattern)?.slice(1) || []).map((one) => one && decodeURIComponent(one)));
  } catch (error) {
    mine.failed(error);
  }
}

/** The same view under another address, so that Back and a link lead to just that. */
function readdress(address) {
  history.replaceState(null, "", address);
  shownAddress = address;
}

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
  if (stage?.losable()) event.preventDefault();
});
addEventListener("unhandledrejection", (event) => {
  if (!stage) return;
  event.preventDefault();
  stage.stumbled(event.reason);
});

// Microsoft's return lands here, without a '#': the connector's view sees to it.
if (/[?&]consent_(code|error)=/.test(location.search)) location.hash = "#/entra";
show();
person().then(
  (who) => document.querySelector(".top").append(h("span", { class: "who" }, `${who.name}, ${who.workspace}`)),
  () => {},
);
