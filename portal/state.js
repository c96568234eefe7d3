// How a connection stands: one of six words, and a sentence. Pure. `told` is the status, null where there is none.

import { doneOf, wholeOf } from "./pace.js";
import { ago, t } from "./words.js";

/**
 * `{kind, text, spoken}`: the kind is "good", "busy", "microsoft", "you", "paused", "failed" or "off"; the text says more in
 * a sentence; `spoken` is what a screen reader is told of it: not every number, not every second.
 */
export function standing(card, told) {
  const [kind, text, spoken] = stands(card, told);
  return { kind, text, spoken: `${t(`chip.${kind}`)}. ${spoken ?? text}` };
}

/** Whether the connection has a status: it syncs, or would without a pause. */
export const isSetUp = (card) => card.connection === "active" || card.connection === "paused";

function stands(card, told) {
  if (card.permission === "spreading") return ["microsoft", t("stands.spreading")];
  if (card.connection === "permissions_required") {
    if (card.permissionError) return ["you", t("stands.refused")];
    if (card.endedBy) return ["off", t("stands.ended")];
    return card.tenant ? ["you", t("stands.withdrawn")] : ["off", t("stands.off")];
  }
  if (card.connection === "not_configured") return ["you", t("stands.unset")];
  if (!told) return ["off", ""];
  if (told.currentRun) return ofRun(told, told.currentRun);
  return card.connection === "paused" ? ["paused", t("stands.paused")] : atRest(told);
}

function ofRun(told, run) {
  if (run.waitingFor === "microsoft")
    return ["microsoft", t("stands.microsoft", { when: ago(run.resumeAt) }), t("stands.microsoft.short")];
  if (run.waitingFor) return ["busy", t("stands.ours")];
  if (told.interrupted) return ["busy", t("stands.interrupted"), t("stands.interrupted.short")];
  if (run.restarted) return ["busy", t("stands.restarted")];
  if (told.state === "queued") return ["busy", t("stands.queued")];
  if (run.mode === "undo") return ["busy", t("stands.undoing")];
  if (run.pendingRemovals) return ["busy", t("stands.removing"), spokenProgress(run, t("stands.removing"))];
  if (!told.lastCompletedAt) return ["busy", t("stands.first"), spokenProgress(run, t("stands.first"))];
  const text = t(run.mode === "full" ? "stands.full" : "stands.delta");
  return ["busy", text, spokenProgress(run, text)];
}

function atRest(told) {
  if (told.state === "awaiting_approval") return ["you", t("stands.waiting")];
  if (told.state === "failed") return ["failed", t("stands.failed")];
  if (!told.lastCompletedAt) return ["you", t("stands.never")];
  if (told.lastRun?.state === "cancelled") return ["good", t("stands.cancelled")];
  const skipped = told.lastRun?.counts.skipped;
  return skipped ? ["you", t("stands.attention", { n: skipped })] : ["good", t("stands.good")];
}

function spokenProgress(run, what) {
  const whole = wholeOf(run);
  if (!whole) return what;
  return t("spoken.share", { what, n: Math.min(Math.floor((doneOf(run) / whole) * 4) * 25, 100) });
}
