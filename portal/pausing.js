// How soon changes come; that syncing is paused, and the way on; what pauses it.

import { ENTRA, post } from "./api.js";
import { announce, h, say } from "./dom.js";
import { ask, panel, signIn, textOf, time } from "./parts.js";
import { hour, t } from "./words.js";

/** Whether changes come within seconds, until when, and why not. Nothing while syncing is paused: that is told above. */
export function liveLine({ live, liveReason }) {
  if (live) return h("p", { id: "live-line", class: "quiet" }, t("live.until", { when: hour(live.until) }));
  if (!liveReason || liveReason.code === "paused") return null;
  return h("p", { id: "live-line", class: "quiet" }, t("live.not", { why: t(`live.why.${liveReason.code}`) }));
}

/** What stands on the overview while syncing is paused. `resume` lets it go on. */
export const pause = ({ pause: told }, resume) =>
  panel(
    "wait",
    t("pause.title"),
    told && h("p", {}, t("pause.by", { name: told.by }), " ", time(told.at)),
    h("p", {}, t("pause.told")),
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", class: "primary", id: "resume", onclick: resume }, t("pause.resume")),
      h("a", { href: "#/entra/settings", id: "pause-settings" }, t("pause.settings")),
    ),
  );

/** The part of Settings that pauses syncing, or lets it go on. */
export function pausing(stage, card) {
  const problem = h("p", { id: "pause-problem", class: "problem", role: "alert" });
  const isPaused = card.connection === "paused";
  const act = async () => {
    say(problem, "");
    try {
      if (!isPaused && !(await ask(t("pause.ask"), meaning(), t("pause.yes"), t("button.cancel")))) return;
      await post(`${ENTRA}/${isPaused ? "resume" : "pause"}`);
      announce(t(isPaused ? "pause.over" : "pause.title"));
      stage.move("#/entra", {});
    } catch (error) {
      problem.replaceChildren(textOf(error), " ", signIn(error) || "");
    }
  };
  return h(
    "section",
    { class: "box ending", "aria-labelledby": "pausing-title" },
    h(
      "div",
      {},
      h("h2", { id: "pausing-title" }, t("pause.section")),
      h("p", { class: "quiet" }, t(isPaused ? "stands.paused" : "pause.section.told")),
      problem,
    ),
    h(
      "button",
      { type: "button", id: isPaused ? "resume" : "pause", onclick: act },
      t(isPaused ? "pause.resume" : "pause.button"),
    ),
  );
}

const meaning = () =>
  h(
    "ul",
    {},
    ["runs", "contacts", "settings", "resume"].map((one) => h("li", {}, t(`pause.means.${one}`))),
  );
