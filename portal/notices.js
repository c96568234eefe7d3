// What needs a person: removals that wait for approval, a run that failed, people who could not be synced.

import { h } from "./dom.js";
import { ask, panel } from "./parts.js";
import { showPending } from "./pending.js";
import { failure, people, share, t } from "./words.js";

const NAMED = 20;

/** `request` posts to a path of the integration. */
export function notices({ told, skipped }, request) {
  const { waitingRun: waiting, lastRun: last, lastError: error } = told;
  return [
    waiting?.state === "awaiting_approval" && waiting.pendingRemovals ? removals(waiting, told, request) : null,
    told.state === "failed" && error ? panel("bad", failure(error).message, h("p", {}, failure(error).action)) : null,
    skipped.length && last ? attention(last.counts.skipped, skipped) : null,
  ];
}

function removals(run, told, request) {
  const { count, of, behavior, sample } = run.pendingRemovals;
  const what = t(`removals.what.${behavior}`, { n: count, whole: people(of) });
  const more = count > sample.length ? h("li", {}, t("removals.more", { n: count - sample.length })) : null;
  return panel(
    "wait",
    t("removals.title", { what, share: share(count, of) }),
    h("p", {}, `${t("removals.why")} ${t(`removals.effect.${behavior}`)}`),
    h(
      "ul",
      { class: "names" },
      sample.map((name) => h("li", {}, name || t("no.name"))),
      more,
    ),
    told.currentRun?.mode === "full" ? h("p", {}, t("removals.full")) : decision(run, what, behavior, request),
  );
}

function decision(run, what, behavior, request) {
  const { count } = run.pendingRemovals;
  const approve = async () => {
    const yes = t(`removals.yes.${behavior}`, { people: people(count) });
    if (await ask(`${what}?`, t(`removals.effect.${behavior}`), yes, t("button.back"), true))
      await request(`runs/${run.id}/approve`);
  };
  const see = () => showPending(run, `${what}?`);
  return h(
    "div",
    { class: "actions" },
    h("button", { type: "button", id: "see-pending", onclick: see }, t("removals.all")),
    h(
      "button",
      { type: "button", class: "danger", id: "approve", onclick: approve },
      t(`removals.approve.${behavior}`),
    ),
    h(
      "button",
      { type: "button", id: "discard", onclick: () => request(`runs/${run.id}/discard`) },
      t("removals.discard"),
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
    panel("bad", t("attention.title", { n: count }), h("ul", {}, names), h("p", {}, t("attention.rest"))),
  );
}
