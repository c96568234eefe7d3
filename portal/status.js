// Sync Status: how it stands, what a person can do now, and progress while a run goes on.

import { ENTRA, get, post } from "./api.js";
import { announce, h, redraw } from "./dom.js";
import { notices } from "./notices.js";
import { facts, time } from "./parts.js";
import { doneOf, lookAt, paceOf, wholeOf } from "./pace.js";
import { RUN_STATE, ago, clock, contacts, did, duration, number, people } from "./words.js";

const SOON_MS = 1000;
const LATER_MS = 5000;

/** Show the state in `place`, again and again. */
export async function status(stage, place) {
  const now = { told: null, configuration: null, skipped: [], looks: [], problem: "" };
  const look = stage.watch(gather, show, () => (isBusy(now.told) ? SOON_MS : LATER_MS));
  draw();
  await look.now();

  async function gather() {
    const told = await get(`${ENTRA}/status`);
    const configuration = told.waitingRun ? await get(`${ENTRA}/config`) : null;
    return { told, configuration, skipped: await skippedOf(told) };
  }

  /** Whom the last run skipped. Its changes stay as they are, so they are asked for once. */
  async function skippedOf({ lastRun, currentRun }) {
    if (!lastRun?.counts.skipped || currentRun) return [];
    if (now.told?.lastRun?.id === lastRun.id && now.skipped.length) return now.skipped;
    return (await get(`${ENTRA}/runs/${lastRun.id}/changes?outcome=skipped`)).changes;
  }

  function show(gathered) {
    const run = gathered.told.currentRun;
    Object.assign(now, gathered, { looks: run ? lookAt(run, now.looks, Date.now()) : [] });
    announce(sentence(now.told)[1]);
    draw();
  }

  async function request(path, body) {
    now.problem = "";
    try {
      await post(`${ENTRA}/${path}`, body);
    } catch (error) {
      now.problem = error.message;
    }
    draw();
    await look.now();
  }

  function draw() {
    const { told } = now;
    redraw(
      place,
      h("h2", { id: "sync-title" }, "Sync Status"),
      h("p", { id: "sync-state", class: "state" }, told ? sentence(told)[0] : ""),
      h(
        "div",
        { id: "sync-progress", class: "progress" },
        told?.currentRun && progress(told.currentRun, now.looks, request),
      ),
      h("div", { id: "sync-notices" }, told && notices(now, request)),
      told && totals(told),
      h(
        "div",
        { class: "actions" },
        button("sync-now", "Sync Now", () => request("sync", { mode: "delta" }), "primary"),
        button("full-resync", "Full Resync", () => request("sync", { mode: "full" })),
      ),
      h(
        "p",
        { class: "quiet" },
        h("span", { id: "sync-now-told" }, "Sync Now picks up recent changes. "),
        h("span", { id: "full-resync-told" }, "Full Resync re-reads your whole directory from scratch."),
      ),
      h("p", { id: "sync-problem", class: "problem", role: "alert" }, now.problem),
    );
  }
}

const isBusy = (told) => told?.currentRun && !told.currentRun.resumeAt;

const button = (id, text, onclick, kind) =>
  h("button", { type: "button", class: kind, id, "aria-describedby": `${id}-told`, onclick }, text);

/** The state in one sentence, and what a screen reader is told of it: not every number, not every second. */
function sentence(told) {
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

function progress(run, looks, request) {
  const [done, whole] = [doneOf(run), wholeOf(run)];
  const share = whole ? { max: whole, value: Math.min(done, whole) } : {};
  const cancel = () => request(`runs/${run.id}/cancel`);
  return [
    h("progress", { "aria-label": "Sync progress", ...share }),
    h("p", { id: "sync-numbers" }, numbers(run, done, whole, run.waitingFor ? paceOf([]) : paceOf(looks))),
    h("button", { type: "button", id: "cancel-run", onclick: cancel }, "Cancel this run"),
  ];
}

function numbers(run, done, whole, { rate, stillSince }) {
  const parts = [soFar(run, done, whole)];
  if (stillSince) {
    const since = clock(new Date(stillSince).toISOString());
    return `${parts[0]}. Nothing has moved since ${since}. emu.chat notices that by itself and goes on, mostly within a minute.`;
  }
  if (rate >= 1) parts.push(`${number(Math.round(rate))} a second`);
  if (rate && whole > done) parts.push(`about ${duration((whole - done) / rate)} left`);
  return parts.join(", ");
}

function soFar(run, done, whole) {
  if (run.pendingRemovals) return `Removing ${number(done)} of ${number(whole)}`;
  return whole ? `${number(done)} of about ${people(whole)}` : `${people(done)} so far`;
}

function totals(told) {
  const last = told.lastRun;
  const result = last && `${RUN_STATE[last.state]}: ${number(last.counts.read)} read, ${did(last.counts)}`;
  return facts([
    ["In the list", `${contacts(told.totals.contacts)}, ${number(told.totals.linked)} linked`],
    ["Last started", time(told.lastStartedAt)],
    ["Last completed", time(told.lastCompletedAt)],
    ["Next run", time(told.nextRunAt)],
    ["Last run", last ? h("a", { id: "last-run", href: `#/history/${last.id}` }, result) : "–"],
  ]);
}
