// A list that comes in pages.

import { get } from "./api.js";
import { announce, h } from "./dom.js";
import { loading } from "./parts.js";
import { t } from "./words.js";

const MOST_PAGES = 10;

/**
 * A list that has a continuation: the first page now, the next ones when asked for. `itemsOf` takes them from an answer,
 * `build` shows all so far and is told whether these are all.
 */
export async function paged(place, path, itemsOf, build) {
  const items = [];
  const holder = h("div", {}, loading());
  const more = h("button", { type: "button", id: "more", hidden: true, onclick: () => load() }, t("button.more"));
  let continuation = "";
  async function load() {
    const separator = path.includes("?") ? "&" : "?";
    const before = items.length;
    // A page may hold nothing that is shown; a person who asked for more is not asked to ask again at once.
    for (let page = 0; page < MOST_PAGES && items.length === before && (continuation || !page); page += 1) {
      const after = continuation ? `${separator}continuation=${encodeURIComponent(continuation)}` : "";
      const told = await get(path + after);
      continuation = told.continuation;
      items.push(...itemsOf(told));
    }
    holder.replaceChildren(build(items, !continuation));
    more.hidden = !continuation;
    announce(t("rows.shown", { n: items.length }));
  }
  place.append(holder, more);
  await load();
}
