// Which view is shown: the address after '#' says it, so that back, forward and links work.

import { person } from "./api.js";
import { h } from "./dom.js";
import { ask } from "./parts.js";
import { makeStage } from "./stage.js";
import { integrationsView } from "./integrations.js";
import { entraView, settingsView } from "./entra.js";
import { auditView } from "./audit.js";
import { historyView, runView } from "./history.js";
import { peopleView } from "./people.js";
import { behindView, qualityView } from "./quality.js";
import { contactsView } from "./contacts.js";
import { contactView } from "./contact.js";
import { LANGUAGE, t } from "./words.js";

const VIEWS = [
  [/^#\/?$/, integrationsView, "page.integrations"],
  [/^#\/entra$/, entraView, "page.entra"],
  [/^#\/entra\/settings$/, settingsView, "page.entra"],
  [/^#\/entra\/history(?:\?(.*))?$/, historyView, "page.entra"],
  [/^#\/entra\/history\/([\w-]+)$/, runView, "page.entra"],
  [/^#\/entra\/people(?:\?(.*))?$/, peopleView, "page.entra"],
  [/^#\/entra\/quality$/, qualityView, "page.entra"],
  [/^#\/entra\/quality\/(\w+)$/, behindView, "page.entra"],
  [/^#\/entra\/audit$/, auditView, "page.entra"],
  [/^#\/contacts(?:\?(.*))?$/, contactsView, "page.contacts"],
  [/^#\/contacts\/([\w-]+)$/, contactView, "page.contact"],
];
const PAGES = [
  ["#/", "page.integrations"],
  ["#/contacts", "page.contacts"],
];

const main = document.getElementById("main");
let stage = null;
let shownAddress = "";

async function show(again = false, known = {}) {
  const address = location.hash || "#/";
  if (address === shownAddress && !again) return;
  if (!again && stage?.unsaved()) {
    const text = t(stage.losable() ? "leave.lost" : "leave.kept");
    if (!(await ask(t("leave.title"), text, t("leave.yes"), t("leave.no")))) {
      history.replaceState(null, "", shownAddress);
      return;
    }
  }
  const first = !shownAddress;
  shownAddress = address;
  stage?.leave();
  const [pattern, view, title] = VIEWS.find(([one]) => one.test(address)) || VIEWS[0];
  const mine = makeStage(t(title), { reload: (told) => show(true, told), readdress, move }, known);
  stage = mine;
  main.replaceChildren(mine.head, mine.tabs, mine.stumble, mine.trouble, mine.place);
  markPage(address);
  if (!first && !again) mine.heading.focus();
  try {
    await view(mine, ...(address.match(pattern)?.slice(1) || []));
  } catch (error) {
    mine.failed(error);
  }
}

/** The same view under another address, so that Back and a link lead to just that. */
function readdress(address) {
  history.replaceState(null, "", address);
  shownAddress = address;
}

/** Another view, which is told what this one knows. */
function move(address, told) {
  history.pushState(null, "", address);
  show(true, told);
}

function markPage(address) {
  for (const link of document.querySelectorAll("#nav a")) {
    const here = link.hash === "#/contacts" ? address.startsWith("#/contacts") : !address.startsWith("#/contacts");
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

document.documentElement.lang = LANGUAGE;
const skip = document.getElementById("skip");
skip.textContent = t("app.skip");
skip.addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
const nav = document.getElementById("nav");
nav.setAttribute("aria-label", t("app.pages"));
nav.append(...PAGES.map(([href, text]) => h("a", { href }, t(text))));
addEventListener("hashchange", () => show());
addEventListener("beforeunload", (event) => {
  if (stage?.losable()) event.preventDefault();
});
addEventListener("unhandledrejection", (event) => {
  if (!stage) return;
  event.preventDefault();
  stage.stumbled(event.reason);
});

// Microsoft's return lands here, without a '#': the connector's view reads it.
if (/[?&]consent_(code|error)=/.test(location.search)) location.hash = "#/entra";
show();
person().then(
  (who) => document.querySelector(".top").append(h("span", { class: "who" }, `${who.name}, ${who.workspace}`)),
  () => {},
);
