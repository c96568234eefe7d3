// What stands round every view of the connector: whose directory it is, how it stands, and the tabs.

import { ENTRA, get } from "./api.js";
import { announce, h, redraw } from "./dom.js";
import { chip } from "./parts.js";
import { isSetUp, standing } from "./state.js";
import { t } from "./words.js";

const SOON_MS = 1000;
const LATER_MS = 5000;
const TABS = [
  ["overview", "#/entra"],
  ["settings", "#/entra/settings"],
  ["history", "#/entra/history"],
  ["people", "#/entra/people"],
  ["quality", "#/entra/quality"],
  ["audit", "#/entra/audit"],
];

const isBusy = (told) => told?.currentRun && !told.currentRun.resumeAt;

/** What was told last, so that another tab shows it at once; nothing is decided by it. */
let last = null;

/**
 * Draw the frame with one tab chosen, and keep it up to date. `follow` gets each newest status, where there is one. Gives
 * `{card, look}`: the card's answer as it is now, and a look at the status at once.
 */
export async function frame(stage, tab, follow = () => {}) {
  stage.entitle(t("page.entra"), t(`tab.${tab}`));
  if (last) draw(stage, tab, last);
  const card = await get(ENTRA);
  const show = (told) => {
    last = { card, told };
    if (!stage.isLive()) return;
    draw(stage, tab, last);
    if (told) announce(standing(card, told).spoken);
    follow(told);
  };
  const isActive = isSetUp(card) && card.canConfigure;
  if (!isActive) show(null);
  else if (last?.card.tenant?.id === card.tenant.id) draw(stage, tab, { card, told: last.told });
  const watch = stage.watch(
    () => get(`${ENTRA}/status`),
    show,
    () => (isBusy(last?.told) ? SOON_MS : LATER_MS),
  );
  return { card, look: isActive ? watch.now : async () => {} };
}

function draw(stage, tab, { card, told }) {
  const { kind, text } = standing(card, told);
  const isKnown = told || !isSetUp(card);
  redraw(stage.mark, h("img", { src: "icon.svg", alt: "", width: "44", height: "44" }));
  redraw(stage.under, card.tenant && h("p", { class: "quiet" }, card.tenant.displayName));
  redraw(
    stage.side,
    card.canConfigure && isKnown ? [chip(kind), h("p", { id: "stands", class: "quiet" }, text)] : null,
  );
  redraw(stage.tabs, hasTabs(card) ? tabs(tab) : null);
}

const hasTabs = ({ canConfigure, tenant, connection }) => canConfigure && tenant && connection !== "not_configured";

const tabs = (chosen) =>
  h(
    "nav",
    { class: "tabs", "aria-label": t("tabs.label") },
    TABS.map(([name, href]) =>
      h("a", { href, id: `tab-${name}`, "aria-current": name === chosen && "page" }, t(`tab.${name}`)),
    ),
  );
