// How complete and usable the directory's data is: figures, how they went, and who is behind each of them.

import { ENTRA, get } from "./api.js";
import { h, say } from "./dom.js";
import { download } from "./download.js";
import { frame } from "./frame.js";
import { paged } from "./paged.js";
import { back, loading, table, textOf, time } from "./parts.js";
import { contacts, day, number, share, t } from "./words.js";

const FIGURES = ["no_name", "no_email", "no_mobile", "no_company", "shared_email", "not_international"];
const addressOf = (figure) => `#/entra/quality/${figure}`;

export async function qualityView(stage) {
  const { look } = await frame(stage, "quality");
  look();
  stage.place.replaceChildren(h("p", { class: "lead" }, t("quality.told")), loading());
  const { days } = await get(`${ENTRA}/quality`);
  if (!stage.isLive()) return;
  const [newest] = days;
  stage.place.replaceChildren(
    h("p", { class: "lead" }, t("quality.told")),
    ...(newest ? figures(days) : [h("p", { id: "quality-none" }, t("quality.none"))]).filter(Boolean),
  );
}

function figures(days) {
  const [newest] = days;
  const asked = FIGURES.filter((one) => one in newest.counts);
  return [
    table(
      t("quality.label"),
      [t("quality.what"), [t("quality.count"), "number"], [t("quality.share"), "number"], t("quality.trend")],
      asked.map((one) => [
        newest.counts[one] ? h("a", { href: addressOf(one) }, t(`quality.${one}`)) : t(`quality.${one}`),
        number(newest.counts[one]),
        share(newest.counts[one], newest.people),
        trend(days, one),
      ]),
    ),
    h("p", { class: "small" }, t("quality.of", { contacts: contacts(newest.people) }), " ", time(newest.at)),
    asked.length < FIGURES.length ? h("p", { class: "small" }, t("quality.unmapped")) : null,
    days.length > 1 ? byDay(days, asked) : null,
  ];
}

/** How a figure went since the oldest day of those that are kept. */
function trend(days, figure) {
  const before = days.findLast((one) => figure in one.counts);
  if (before === days[0]) return "–";
  const n = days[0].counts[figure] - before.counts[figure];
  if (!n) return t("quality.same", { day: day(before.at) });
  return t(n > 0 ? "quality.more" : "quality.fewer", { n: Math.abs(n), day: day(before.at) });
}

const byDay = (days, asked) =>
  h(
    "details",
    {},
    h("summary", {}, t("quality.days")),
    table(
      t("quality.days"),
      [t("quality.day"), ...asked.map((one) => [t(`quality.${one}`), "number"])],
      days.map((one) => [
        day(one.at),
        ...asked.map((figure) => (figure in one.counts ? number(one.counts[figure]) : "–")),
      ]),
    ),
  );

/** Who is behind a figure, each with a way to find out more. */
export async function behindView(stage, figure) {
  const { look } = await frame(stage, "quality");
  look();
  const problem = h("p", { class: "problem", role: "alert" });
  const path = `${ENTRA}/quality/${figure}`;
  const save = () => download(`${path}/people.csv`, `${figure}.csv`).catch((error) => say(problem, textOf(error)));
  stage.place.replaceChildren(
    back("#/entra/quality", t("tab.quality")),
    h("h2", {}, t(`quality.${figure}`)),
    h("div", { class: "actions" }, h("button", { type: "button", id: "csv", onclick: save }, t("button.csv"))),
    problem,
  );
  await paged(
    stage.place,
    `${path}?limit=100`,
    (told) => told.people,
    (people) =>
      people.length
        ? table(
            t("quality.people"),
            [t("quality.name"), t("quality.email"), t("quality.phone")],
            people.map((one) => [h("a", { href: findAt(one) }, one.name || t("no.name")), one.email, one.mobilePhone]),
          )
        : h("p", {}, t("quality.nobody")),
  );
}

const findAt = ({ contactId, name, email }) => `#/entra/people?query=${encodeURIComponent(email || name || contactId)}`;
