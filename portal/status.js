// Sync Status: how it stands, what a person can do now, and progress while a run goes on.

import { ENTRA, get, post } from "./api.js";
import { announce, h, redraw } from "./dom.js";
import { notices } from "./notices.js";
import { facts, time } from "./parts.js";
import { doneOf, lookAt, paceOf, wholeOf } from "./pace.js";
import { sentence } from "./state.js";
import { RUN_STATE, clock, contacts, did, duration, number, people } from "./words.js";

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
        button("sync-now", "Sync Now", () => request("sync", { mode: "delta" }), !isFullAdvised(told)),
        button("full-resync", "Full Resync", () => request("sync", { mode: "full" }), isFullAdvised(told)),
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

/** Whether the last failure's advice is Full Resync: then that button is the one to press. */
const isFullAdvised = (told) => told?.state === "failed" && /Full Resync/.test(told.lastError?.action);

const button = (id, text, onclick, isPrimary) =>
  h(
    "button",
    { type: "button", class: isPrimary ? "primary" : false, id, "aria-describedby": `${id}-told`, onclick },
    text,
  );

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
