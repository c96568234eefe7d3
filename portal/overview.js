// Overview: what a person can do now and what waits for one, progress while a run goes on, figures, the connection.

import { ENTRA, get, post } from "./api.js";
import { chart } from "./chart.js";
import { h, redraw } from "./dom.js";
import { notices } from "./notices.js";
import { doneOf, lookAt, paceOf, wholeOf } from "./pace.js";
import { facts, help, time } from "./parts.js";
import { liveLine, pause } from "./pausing.js";
import { clock, did, duration, hour, number, people, rich, t } from "./words.js";

/** `follow` takes each newest status; `begin` shows the view, of the card's answer, and `look` asks for a status at once. */
export function overview(stage) {
  const now = { card: null, told: null, skipped: [], looks: [], problem: "", look: null };

  async function begin(card, look) {
    Object.assign(now, { card, look });
    draw();
    await look();
  }

  /** What the status does not tell is asked for here, and once: a run's changes stay as they are. */
  async function follow(told) {
    if (!told) return;
    const run = told.currentRun;
    Object.assign(now, { told, looks: run ? lookAt(run, now.looks, Date.now()) : [] });
    if (now.card) draw();
    try {
      const skipped = await skippedOf(told);
      if (skipped === now.skipped) return;
      now.skipped = skipped;
    } catch {
      // The next look asks again; the frame says meanwhile that emu.chat does not answer.
      return;
    }
    if (now.card && stage.isLive()) draw();
  }

  async function skippedOf({ lastRun, currentRun }) {
    if (!lastRun?.counts.skipped || currentRun) return now.skipped.length ? [] : now.skipped;
    if (now.skipped.run === lastRun.id) return now.skipped;
    const { changes } = await get(`${ENTRA}/runs/${lastRun.id}/changes?outcome=skipped`);
    return Object.assign(changes, { run: lastRun.id });
  }

  async function request(path, body) {
    now.problem = "";
    try {
      await post(`${ENTRA}/${path}`, body);
    } catch (error) {
      now.problem = error.message;
    }
    draw();
    await now.look();
  }

  async function resume() {
    await post(`${ENTRA}/resume`);
    stage.reload();
  }

  function draw() {
    const { told } = now;
    redraw(
      stage.place,
      h(
        "section",
        { class: "box", id: "sync", tabindex: "-1", "aria-labelledby": "sync-title" },
        h("h2", { id: "sync-title" }, t("overview.sync")),
        h(
          "div",
          { id: "sync-progress", class: "progress" },
          told?.currentRun && progress(told.currentRun, now.looks, request),
        ),
        now.card.connection === "paused" && pause(now.card, resume),
        h("div", { id: "sync-notices" }, told && notices(now, request)),
        told && figures(now),
        told && liveLine(told),
        told && runs(told),
        h(
          "div",
          { class: "actions" },
          action("now", () => request("sync", { mode: "delta" }), !isFullAdvised(told)),
          action("full", () => request("sync", { mode: "full" }), isFullAdvised(told)),
        ),
        help("keep"),
        h("p", { id: "sync-problem", class: "problem", role: "alert" }, now.problem),
      ),
      told && chart(told.changedByDay),
      told && connection(now),
    );
  }

  return { begin, follow };
}

/** Whether the last failure's advice is Full Resync: then that button is the one to press. */
const isFullAdvised = (told) => told?.state === "failed" && /Full Resync/.test(told.lastError?.action);

const action = (name, onclick, isPrimary) =>
  h(
    "div",
    { class: "action" },
    h(
      "button",
      {
        type: "button",
        class: isPrimary ? "primary" : false,
        id: name === "now" ? "sync-now" : "full-resync",
        "aria-describedby": `sync-${name}-told`,
        onclick,
      },
      t(`sync.${name}`),
    ),
    h("span", { id: `sync-${name}-told`, class: "small" }, t(`sync.${name}.told`)),
  );

function progress(run, looks, request) {
  const [done, whole] = [doneOf(run), wholeOf(run)];
  const share = whole ? { max: whole, value: Math.min(done, whole) } : {};
  const cancel = () => request(`runs/${run.id}/cancel`);
  return [
    h("progress", { "aria-label": t("sync.progress"), ...share }),
    h("p", { id: "sync-numbers" }, numbers(run, done, whole, run.waitingFor ? paceOf([]) : paceOf(looks))),
    h("button", { type: "button", id: "cancel-run", onclick: cancel }, t("sync.cancel")),
  ];
}

function numbers(run, done, whole, { rate, stillSince }) {
  const parts = [soFar(run, done, whole)];
  if (stillSince) return t("sync.still", { soFar: parts[0], when: clock(new Date(stillSince).toISOString()) });
  if (rate >= 1) parts.push(t("sync.rate", { n: Math.round(rate) }));
  if (rate && whole > done) parts.push(t("sync.left", { duration: duration((whole - done) / rate) }));
  return parts.join(", ");
}

function soFar(run, done, whole) {
  if (run.pendingRemovals) return t("sync.removing", { n: done, whole });
  return whole ? t("sync.of", { n: done, whole: people(whole) }) : t("sync.far", { people: people(done) });
}

function figures({ told, card }) {
  const skipped = told.lastRun?.counts.skipped ?? 0;
  return h(
    "div",
    { class: "figures" },
    figure(
      "list",
      number(told.totals.contacts),
      t("overview.list.linked", { n: told.totals.linked }),
      "#/contacts",
      card.list.name,
    ),
    figure("changed", number(told.changedLately), t("overview.changed.told"), "#/entra/history"),
    figure(
      "attention",
      number(skipped),
      t(skipped ? "overview.attention.some" : "overview.attention.none"),
      skipped && `#/entra/history/${told.lastRun.id}`,
    ),
    figure("next", told.nextRunAt ? hour(told.nextRunAt) : "–", told.nextRunAt && time(told.nextRunAt)),
  );
}

function figure(name, value, more, href, label) {
  return h(
    "div",
    { class: "figure", id: `figure-${name}` },
    h("span", { class: "small" }, t(`overview.${name}`)),
    href
      ? h("a", { href, class: "amount", id: `go-${name}`, "aria-label": `${value} ${t(`overview.${name}`)}` }, value)
      : h("span", { class: "amount" }, value),
    h("span", { class: "small" }, more, label && href ? [" · ", h("a", { href, id: `to-${name}` }, label)] : null),
  );
}

function runs(told) {
  const last = told.lastRun;
  const result =
    last && t("run.result", { state: t(`state.${last.state}`), n: last.counts.read, did: did(last.counts) });
  return facts([
    [t("overview.started"), time(told.lastStartedAt)],
    [t("overview.completed"), time(told.lastCompletedAt)],
    [t("overview.last"), last ? h("a", { id: "last-run", href: `#/entra/history/${last.id}` }, result) : "–"],
  ]);
}

function connection({ told, card }) {
  return h(
    "section",
    { class: "box", "aria-labelledby": "connection-title" },
    h("h2", { id: "connection-title" }, t("overview.connection")),
    facts([
      [t("overview.verified"), verified(told.verification)],
      [
        t("overview.connected"),
        card.connectedBy
          ? rich("overview.connected.by", { name: card.connectedBy, when: time(card.connectedAt) })
          : time(card.connectedAt),
      ],
      [t("overview.tenant"), card.tenant.displayName],
      [t("overview.tenant.id"), h("code", {}, card.tenant.id)],
    ]),
  );
}

function verified(verification) {
  if (!verification) return t("overview.verified.never");
  const { at, people: n, drift, run } = verification;
  return [
    t("overview.verified.all", { n }),
    ", ",
    time(at),
    drift ? [". ", t("overview.verified.drift", { n: drift })] : null,
    drift && run
      ? [". ", h("a", { id: "verified-run", href: `#/entra/history/${run}` }, t("overview.verified.run"))]
      : null,
  ];
}
