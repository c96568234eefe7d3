// What needs a person: removals that wait for approval, a run that failed, people who could not be synced.

import { h } from "./dom.js";
import { ask, panel } from "./parts.js";
import { DELETION, number, people, share } from "./words.js";

const NAMED = 20;

/** `request` posts to a path of the integration. */
export function notices({ told, configuration, skipped }, request) {
  const { waitingRun: waiting, lastRun: last, lastError: error } = told;
  return [
    waiting?.state === "awaiting_approval" && waiting.pendingRemovals
      ? removals(waiting, told, DELETION[configuration.deletionBehavior], request)
      : null,
    told.state === "failed" && error ? panel("bad", error.message, h("p", {}, error.action)) : null,
    skipped.length ? attention(last.counts.skipped, skipped) : null,
  ];
}

function removals(run, told, behavior, request) {
  const { count, sample } = run.pendingRemovals;
  const what = `${behavior.verb} ${number(count)} of ${people(told.totals.linked)}`;
  const more = count > sample.length ? h("li", {}, `and ${number(count - sample.length)} more`) : null;
  return panel(
    "wait",
    `${what} (${share(count, told.totals.linked)})?`,
    h(
      "p",
      {},
      `So many people were missing from your directory at once that emu.chat asks first. A wrong filter or a mistake in Microsoft looks like this. Everything else is synced. ${behavior.effect}`,
    ),
    h(
      "ul",
      {},
      sample.map((name) => h("li", {}, name || "(no name)")),
      more,
    ),
    told.currentRun?.mode === "full"
      ? h("p", {}, "A full sync is under way. It finds out anew who is missing; decide when it has ended.")
      : decision(run, what, behavior, request),
  );
}

function decision(run, what, behavior, request) {
  const { count } = run.pendingRemovals;
  const approve = async () => {
    const yes = `${behavior.verb} ${people(count)}`;
    if (await ask(`${what}?`, behavior.effect, yes, "Go back", true)) await request(`runs/${run.id}/approve`);
  };
  return h(
    "div",
    { class: "actions" },
    h("button", { type: "button", class: "danger", id: "approve", onclick: approve }, `${behavior.verb} them…`),
    h(
      "button",
      { type: "button", id: "discard", onclick: () => request(`runs/${run.id}/discard`) },
      "Keep them, and read everything again",
    ),
  );
}

function attention(count, skipped) {
  const names = skipped
    .slice(0, NAMED)
    .map((one) => h("li", {}, h("strong", {}, one.name || one.contactId), ` – ${one.reason}`));
  return h(
    "div",
    { id: "skipped" },
    panel(
      "bad",
      `${people(count)} need${count === 1 ? "s" : ""} attention`,
      h("ul", {}, names),
      h("p", {}, "Everybody else is synced. Correct them in Microsoft Entra ID; the next sync picks them up."),
    ),
  );
}
