// How a connection stands, in words. Pure.

import { doneOf, wholeOf } from "./pace.js";
import { ago, people } from "./words.js";

/** In a few words, for the card. `told` is the status, null where there is none to ask for. */
export function headline(card, told) {
  if (card.permission === "spreading") return "Waiting for Microsoft: the permission is spreading";
  if (card.connection === "permissions_required") {
    if (card.permissionError) return "Microsoft did not let emu.chat in";
    if (card.endedBy) return "Ended by your organisation's administrator";
    return card.tenant ? "Microsoft's permission was withdrawn; syncing has stopped" : "Not connected";
  }
  if (card.connection === "not_configured") return "Connected, not configured yet";
  const run = told.currentRun;
  if (run?.waitingFor === "microsoft") return "Waiting for Microsoft";
  if (told.interrupted) return "Interrupted, going on by itself";
  if (run) return told.lastCompletedAt ? "Syncing now" : "First sync under way";
  if (told.state === "awaiting_approval") return "Removals wait for an administrator's approval";
  if (told.state === "failed") return "The last sync failed";
  if (!told.lastCompletedAt) return "Not synced yet";
  const skipped = told.lastRun?.counts.skipped;
  if (skipped) return `Syncing every hour; ${people(skipped)} need${skipped === 1 ? "s" : ""} attention`;
  return "Up to date, syncing every hour";
}

/** The state in one sentence, and what a screen reader is told of it: not every number, not every second. */
export function sentence(told) {
  const run = told.currentRun;
  if (run?.waitingFor === "microsoft") {
    const text = `Waiting for Microsoft: it asked for a pause. The sync goes on by itself ${ago(run.resumeAt)}.`;
    return [text, "Waiting for Microsoft. The sync goes on by itself."];
  }
  if (run?.waitingFor) {
    return [
      "emu.chat has a problem of its own and is at it. There is nothing for you to do; the sync goes on by itself.",
      "emu.chat has a problem of its own. There is nothing for you to do.",
    ];
  }
  if (told.interrupted) {
    const text = "Interrupted, going on by itself within a minute. Nothing is lost; Sync Now begins it at once.";
    return [text, "Interrupted. The sync goes on by itself."];
  }
  if (run?.restarted) {
    const text = "Microsoft lost track of what had changed, so everything is read again. Nothing is lost.";
    return [text, text];
  }
  if (told.state === "queued") return ["Queued: the sync begins in a moment.", "The sync is queued."];
  if (run?.pendingRemovals) return ["Removing the people whose removal was approved…", spokenProgress(run, "Removing")];
  if (run && !told.lastCompletedAt)
    return ["First sync: your people are being read for the first time.", spokenProgress(run, "First sync")];
  if (run) return ["Syncing…", spokenProgress(run, "Syncing")];
  if (told.state === "awaiting_approval")
    return ["Up to date, except for removals that wait for your approval.", "Removals wait for your approval."];
  if (told.state === "failed") return ["The last sync failed.", "The last sync failed."];
  if (!told.lastCompletedAt) return ["Connected. Not synced yet.", "Not synced yet."];
  if (told.lastRun?.state === "cancelled") {
    return ["The last sync was cancelled. What it wrote stays; the next one sees to the rest.", "Cancelled."];
  }
  return ["Up to date.", "Up to date."];
}

function spokenProgress(run, what) {
  const whole = wholeOf(run);
  const share = whole ? Math.floor((doneOf(run) / whole) * 4) * 25 : 0;
  return whole ? `${what}: ${Math.min(share, 100)} percent.` : `${what}.`;
}
