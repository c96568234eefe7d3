// What the page says, in the reader's language: texts from the catalogue, numbers and times by Intl. Pure.

/** What an object has of a name itself: a custom field may be named "constructor". */
export const own = (object, name) => (object && Object.hasOwn(object, name) ? object[name] : undefined);

const LANGUAGES = /^(en|de)\b/i;
/** The first language of this browser that the page has, such as "de-AT". */
export const LOCALE = (globalThis.navigator?.languages ?? []).find((one) => LANGUAGES.test(one)) ?? "en-GB";
export const LANGUAGE = LOCALE.slice(0, 2).toLowerCase();

const { REASONS, TEXTS } = await import(`./texts.${LANGUAGE}.js`);
const plural = new Intl.PluralRules(LOCALE);

export const number = (value) => value.toLocaleString(LOCALE);

const isGap = /\{(\w+)\}/;
const shown = (value) => (typeof value === "number" ? number(value) : (value ?? ""));

/** A text with its gaps filled, as a list: strings, and the elements among `values`. */
export function rich(key, values = {}) {
  const entry = TEXTS[key];
  const text = entry?.other ? entry[plural.select(values.n)] || entry.other : (entry ?? key);
  return filled(text, values);
}

const filled = (text, values) => text.split(isGap).map((part, n) => (n % 2 ? shown(values[part]) : part));

/** A text with its gaps filled. Numbers are written as the language does. */
export const t = (key, values) => rich(key, values).join("");
export const isText = (key) => Object.hasOwn(TEXTS, key);

/**
 * What an error's code means. The API says it in English, and more exactly; other languages have the code's own text, with
 * Microsoft's number where the API names one.
 */
export function problem(code, said) {
  const key = `problem.${code}`;
  if (!isText(key) || (LANGUAGE === "en" && said)) return said;
  const number = said?.match(/AADSTS\d+/);
  return number ? `${t(key)} (${number[0]})` : t(key);
}

const GROUPED = /^\d{1,3}(,\d{3})+$/;
const ITS_OWN = /'[^']*'|\+?\d(?:[\d, ]*\d)?/g;

/** What the API says of a field, in the reader's language where the catalogue has it. */
export function reason(said) {
  const values = (said.match(ITS_OWN) ?? []).map((one) =>
    GROUPED.test(one) ? number(Number(one.replaceAll(",", ""))) : one,
  );
  let n = 0;
  const text = own(
    REASONS,
    said.replace(ITS_OWN, () => `{${n++}}`),
  );
  return text ? filled(text, values).join("") : said;
}

/** Why a run failed, and what to do: `{message, action}`. A text of another language than the API's has both in one. */
export const failure = ({ code, message, action }) =>
  problem(code, message) === message ? { message, action } : { message: problem(code, message), action: "" };

export const people = (n) => t("people", { n });
export const contacts = (n) => t("contacts", { n });

/** "13.8%". */
export const share = (part, whole) =>
  whole ? (part / whole).toLocaleString(LOCALE, { style: "percent", maximumFractionDigits: 1 }) : "–";

const STEPS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];
const relative = new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" });

/** "2 hours ago", "in 35 minutes", "just now". */
export function ago(iso, now = Date.now()) {
  const seconds = (Date.parse(iso) - now) / 1000;
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  return t(seconds > 0 ? "ago.soon" : "ago.now");
}

export const exact = (iso) => new Date(iso).toLocaleString(LOCALE, { dateStyle: "medium", timeStyle: "long" });

const dayOf = (then, now) => {
  const year = then.getFullYear() === now.getFullYear() ? {} : { year: "numeric" };
  return then.toDateString() === now.toDateString() ? {} : { day: "numeric", month: "short", ...year };
};

/** "14:03:12 CET", of another day "22 Sept, 14:03:12 CET", of another year "22 Sept 2025, 14:03:12 CET". */
export function clock(iso, now = new Date()) {
  const then = new Date(iso);
  const time = { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" };
  return then.toLocaleString(LOCALE, { ...dayOf(then, now), ...time });
}

/** "14:03", of another day "22 Sept, 14:03". */
export function hour(iso, now = new Date()) {
  const then = new Date(iso);
  return then.toLocaleString(LOCALE, { ...dayOf(then, now), hour: "2-digit", minute: "2-digit" });
}

/** "22 Sept". */
export const day = (iso) => new Date(iso).toLocaleDateString(LOCALE, { day: "numeric", month: "short" });

/** "1 h 5 min", "3.2 s". */
export function duration(seconds) {
  if (seconds < 0.1) return t("took.least");
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  if (seconds < 10) return t("took.seconds", { n: seconds.toLocaleString(LOCALE, digits) });
  if (seconds < 90) return t("took.seconds", { n: Math.round(seconds) });
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return t("took.minutes", { n: minutes });
  return t("took.hours", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

export const seconds = (from, to) => Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);

/** What a run did, in words: "3 added, 1 unlinked". */
export function did(counts) {
  const parts = ["added", "linked", "updated", "removed", "unlinked", "skipped"]
    .filter((name) => counts[name])
    .map((name) => `${number(counts[name])} ${t(`outcome.${name}`)}`);
  return parts.length ? parts.join(", ") : t("did.nothing");
}

/** How a run was asked for: "Alice Admin, on demand". */
export const askedBy = ({ requestedBy, trigger }) =>
  requestedBy ? t("history.by", { name: requestedBy, trigger: t(`trigger.${trigger}`) }) : t(`trigger.${trigger}`);
