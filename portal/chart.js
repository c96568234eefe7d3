// Changes of 30 days: bars for the eye, and the same as a table for a screen reader.

import { h } from "./dom.js";
import { table } from "./parts.js";
import { day, number, t } from "./words.js";

const DAYS = 30;
const KINDS = ["came", "updated", "gone"];
const [WIDTH, HEIGHT, STEP, BAR] = [600, 120, 20, 14];

/** `told` are the days in which something changed, of UTC, as the status tells them. */
export function chart(told, now = new Date()) {
  const days = monthOf(told, now);
  const most = Math.max(1, ...days.map(totalOf));
  const changed = days.filter(totalOf);
  const columns = [t("chart.day"), ...KINDS.map((kind) => [t(`chart.${kind}`), "number"])];
  const rows = changed.map((one) => [day(one.day), ...KINDS.map((kind) => number(one[kind]))]);
  return h(
    "section",
    { class: "box", "aria-labelledby": "chart-title" },
    h(
      "div",
      { class: "row chart-head" },
      h("h2", { id: "chart-title", class: "grow" }, t("chart.title")),
      changed.length
        ? KINDS.map((kind) =>
            h("span", { class: "small key" }, h("span", { class: `swatch ${kind}` }), t(`chart.${kind}`)),
          )
        : null,
    ),
    changed.length ? bars(days, most) : h("p", { class: "quiet" }, t("chart.none")),
    changed.length
      ? h("details", { id: "chart-table" }, h("summary", {}, t("chart.table")), table(t("chart.title"), columns, rows))
      : null,
  );
}

const totalOf = (one) => KINDS.reduce((sum, kind) => sum + one[kind], 0);

function monthOf(told, now) {
  const known = new Map(told.map((one) => [one.day, one]));
  return Array.from({ length: DAYS }, (_, n) => {
    const name = new Date(now.getTime() - (DAYS - 1 - n) * 86_400_000).toISOString().slice(0, 10);
    return known.get(name) ?? { day: name, came: 0, updated: 0, gone: 0 };
  });
}

function bars(days, most) {
  const columns = days.map((one, n) => {
    let top = HEIGHT;
    return KINDS.map((kind) => {
      // What happened can be seen, however little it is beside the largest day.
      const height = one[kind] ? Math.max(2, (one[kind] / most) * (HEIGHT - 8)) : 0;
      top -= height;
      return height
        ? h("rect", { class: kind, x: n * STEP + (STEP - BAR) / 2, y: top, width: BAR, height, rx: 1.5 })
        : null;
    });
  });
  const lines = [0.5, HEIGHT / 2, HEIGHT - 0.5].map((y) => h("line", { x1: 0, x2: WIDTH, y1: y, y2: y }));
  return h(
    "div",
    { class: "chart", "aria-hidden": "true" },
    h("span", { class: "small most" }, number(most)),
    h("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" }, lines, columns),
    h("div", { class: "row small ends" }, h("span", { class: "grow" }, day(days[0].day)), day(days.at(-1).day)),
  );
}
