// Sync Status: how it stands, what a person can do now, and progress while a run goes on.

import { ENTRA, get, post } from "./api.js";
import { announce, h, panel, redraw, say } from "./dom.js";
import { RUN_STATE, ago, contacts, did, duration, exact, number, people, seconds } from "./words.js";

const SOON_MS = 1000;
const LATER_MS = 5000;

export async function status(stage, place) {
  const words = h("p", { id: "sync-state", class: "state" });
  const notices = h("div", { id: "sync-notices" });
  const facts = h("dl", { class: "facts" });
  const progress = h("div", { id: "sync-progress", class: "progress" });
  const problem = h("p", { class: "problem", role: "alert" });
  let told;
  let wait = () => {};

  const asking = (path, body) => async () => {
    say(problem, "");
    try {
      await post(`${ENTRA}/${path}`, body);
    } catch (error) {
      say(problem, error.message);
    }
    await refresh();
    wait();
  };
  place.replaceChildren(
    h("h2", { id: "sync-title" }, "Sync Status"),
    words,
    progress,
    notices,
    facts,
    h(
      "div",
      { class: "actions" },
      h(
        "button",
        {
          type: "button",
          class: "primary",
          id: "sync-now",
          "aria-describedby": "sync-now-told",
          onclick: asking("sync", { mode: "delta" }),
        },
        "Sync Now",
      ),
      h(
        "button",
        {
          type: "button",
          id: "full-resync",
          "aria-describedby": "full-resync-told",
          onclick: asking("sync", { mode: "full" }),
        },
        "Full Resync",
      ),
    ),
    h(
      "p",
      { class: "quiet" },
      h("span", { id: "sync-now-told" }, "Sync Now picks up recent changes. "),
      h("span", { id: "full-resync-told" }, "Full Resync re-reads your whole directory from scratch."),
    ),
    problem,
  );

  async function refresh() {
    told = await get(`${ENTRA}/status`);
    if (!place.isConnected) return;
    const [text, spoken] = sentence(told);
    say(words, text);
    announce(spoken);
    drawProgress(progress, told.currentRun, () => asking(`runs/${told.currentRun.id}/cancel`)());
    await drawNotices(notices, told, asking);
    drawFacts(facts, told);
  }
  await refresh();
  const busy = () => told?.currentRun && !told.currentRun.resumeAt;
  wait = stage.every(() => (busy() ? SOON_MS : LATER_MS), refresh);
}

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
  const share = run.expected ? Math.floor((run.counts.read / run.expected) * 4) * 25 : 0;
  return run.expected ? `${what}: ${Math.min(share, 100)} percent.` : `${what}.`;
}

function drawProgress(place, run, cancel) {
  if (!run) return place.replaceChildren();
  const read = run.counts.read;
  const took = run.startedAt ? seconds(run.startedAt, new Date().toISOString()) : 0;
  const rate = took > 1 ? read / took : 0;
  const parts = [`${people(read)} so far`];
  if (run.mode === "full" && run.expected) parts[0] = `${number(read)} of about ${people(run.expected)}`;
  if (rate) parts.push(`${number(Math.round(rate))} a second`);
  if (rate && run.mode === "full" && run.expected > read)
    parts.push(`about ${duration((run.expected - read) / rate)} left`);
  redraw(
    place,
    h("progress", {
      "aria-label": "Sync progress",
      ...(run.mode === "full" && run.expected
        ? { max: String(run.expected), value: Math.min(read, run.expected) }
        : {}),
    }),
    h("p", { id: "sync-numbers" }, parts.join(", ")),
    h("button", { type: "button", id: "cancel-run", onclick: cancel }, "Cancel this run"),
  );
}

let shownSkipped = "";
async function drawNotices(place, told, asking) {
  const notices = [];
  const { waitingRun: waiting, lastRun: last, lastError: error } = told;
  if (waiting?.state === "awaiting_approval" && waiting.pendingRemovals) {
    const { count, sample } = waiting.pendingRemovals;
    const more = count > sample.length ? [h("li", {}, `and ${number(count - sample.length)} more`)] : [];
    notices.push(
      panel(
        "wait",
        `Removals waiting for approval: ${contacts(count)}`,
        h(
          "p",
          {},
          "So many people were missing from your directory at once that emu.chat asks first. A wrong filter or a mistake in Microsoft looks like this. Everything else is synced. Approving unlinks or deletes them, as your Deletion Behavior says.",
        ),
        h(
          "ul",
          {},
          sample.map((name) => h("li", {}, name || "(no name)")),
          more,
        ),
        h(
          "div",
          { class: "actions" },
          h(
            "button",
            {
              type: "button",
              class: "danger",
              id: "approve",
              "data-run": waiting.id,
              onclick: asking(`runs/${waiting.id}/approve`),
            },
            "Approve the removals",
          ),
          h(
            "button",
            { type: "button", id: "discard", "data-run": waiting.id, onclick: asking(`runs/${waiting.id}/discard`) },
            "Discard: keep them, and read everything again",
          ),
        ),
      ),
    );
  }
  if (told.state === "failed" && error) {
    notices.push(panel("bad", error.message, h("p", {}, error.action)));
  }
  if (last?.counts.skipped && !told.currentRun) {
    if (shownSkipped !== last.id || !place.querySelector("#skipped")) {
      const { changes } = await get(`${ENTRA}/runs/${last.id}/changes?outcome=skipped`);
      const names = changes
        .slice(0, 20)
        .map((one) => h("li", {}, h("strong", {}, one.name || one.contactId), ` – ${one.reason}`));
      const title = `${people(last.counts.skipped)} need${last.counts.skipped === 1 ? "s" : ""} attention`;
      shownSkipped = last.id;
      notices.push(
        h(
          "div",
          { id: "skipped" },
          panel(
            "bad",
            title,
            h("ul", {}, names),
            h("p", {}, "Everybody else is synced. Correct them in Microsoft Entra ID; the next sync picks them up."),
          ),
        ),
      );
    } else {
      notices.push(place.querySelector("#skipped").cloneNode(true));
    }
  }
  redraw(place, notices);
}

function drawFacts(place, told) {
  const last = told.lastRun;
  const when = (iso) => (iso ? h("time", { datetime: iso, title: exact(iso) }, ago(iso)) : "–");
  const rows = [
    ["In the list", `${contacts(told.totals.contacts)}, ${number(told.totals.linked)} linked`],
    ["Last started", when(told.lastStartedAt)],
    ["Last completed", when(told.lastCompletedAt)],
    ["Next run", when(told.nextRunAt)],
    [
      "Last run",
      last
        ? h(
            "a",
            { id: "last-run", href: `#/history/${last.id}` },
            `${RUN_STATE[last.state]}: ${number(last.counts.read)} read, ${did(last.counts)}`,
          )
        : "–",
    ],
  ];
  redraw(
    place,
    rows.map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value))),
  );
}
