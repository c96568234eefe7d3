// What a view is given: its place on the page, what ends with it, and the work that goes on in the background.

import { SignedOut } from "./api.js";
import { h, redraw, say } from "./dom.js";
import { loading, panel, signIn, textOf } from "./parts.js";
import { t } from "./words.js";

/**
 * A stage for one view. `reload` shows the same view afresh, `move` another one, `readdress` gives what is shown another address; `known` is
 * what the view already knows.
 */
export function makeStage(title, { reload, readdress, move }, known) {
  const heading = h("h1", { tabindex: "-1" }, title);
  const mark = h("div", { class: "mark" });
  const under = h("div", {});
  const side = h("div", { class: "side" });
  const tabs = h("div", { class: "tabs-place" });
  const head = h("div", { class: "head" }, mark, h("div", { class: "title" }, heading, under), side);
  const place = h("div", { class: "place" }, loading());
  const stumble = h("div", { id: "stumble", role: "alert" });
  const trouble = h("div", { id: "trouble", role: "status" });
  const endings = [];
  let ended = false;
  let isUnsaved = () => false;
  let isKept = () => false;
  // A view that is left while it still asks for its data must not begin anything, nor name the next view's page.
  const onLeave = (end) => (ended ? end() : endings.push(end));
  const name = (text) => {
    if (ended) return;
    say(heading, text);
    document.title = `${text} · emu.chat`;
  };
  name(title);
  /** The title of one of several views of one thing: "Settings · Entra Id". */
  const entitle = (text, part) => {
    if (ended) return;
    redraw(heading, text, h("span", { class: "hidden" }, `: ${part}`));
    document.title = `${part} · ${text} · emu.chat`;
  };
  return {
    head,
    mark,
    under,
    side,
    tabs,
    heading,
    place,
    trouble,
    stumble,
    known,
    name,
    entitle,
    isLive: () => !ended,
    reload,
    move,
    readdress: (address) => ended || readdress(address),
    onLeave,
    leave() {
      ended = true;
      endings.forEach((end) => end());
    },
    unsaved: () => isUnsaved(),
    losable: () => isUnsaved() && !isKept(),
    /** Ask before something unsaved is left. `kept`: whether this browser keeps it, so that a reload loses nothing. */
    guard(unsaved, kept) {
      isUnsaved = unsaved;
      isKept = kept;
    },
    /** The view could not be shown at all. */
    failed: (error) => redraw(place, failure(error, reload)),
    /** Something that a person asked for failed, and no part of the view says so. */
    stumbled(error) {
      const close = () => redraw(stumble);
      const button = h("button", { type: "button", id: "close-stumble", onclick: close }, t("button.close"));
      redraw(stumble, panel("bad", t("error.failed"), h("p", {}, textOf(error), " ", signIn(error)), button));
    },
    /**
     * Look again and again: `gather` asks, `show` gets the newest answer, `milliseconds` says how long to wait. A failure
     * is told in its own place until the next success; what the view shows stays. Gives `now`, which looks at once,
     * and `later`, which begins to wait.
     */
    watch(gather, show, milliseconds) {
      let timer;
      let turn = 0;
      const look = async () => {
        if (ended) return;
        clearTimeout(timer);
        const mine = ++turn;
        let error = null;
        try {
          const told = await gather();
          if (mine === turn) show(told);
        } catch (caught) {
          error = caught;
        }
        // A later look, or the end of the view, has made this one void.
        if (mine !== turn) return;
        redraw(trouble, error ? interruption(error) : null);
        later();
      };
      const later = () => {
        if (!ended) timer = setTimeout(look, milliseconds());
      };
      const online = () => look();
      addEventListener("online", online);
      onLeave(() => {
        turn += 1;
        clearTimeout(timer);
        removeEventListener("online", online);
      });
      return { now: look, later };
    },
  };
}

function failure(error, reload) {
  if (error instanceof SignedOut)
    return panel("info", t("error.sign.in.title"), h("p", {}, t("error.sign.in")), signIn(error));
  // Neither becomes right by asking again.
  if (error.status === 403) return panel("info", textOf(error), h("p", {}, t("error.admin.only")));
  if (error.status === 404) return panel("info", textOf(error), h("p", {}, t("error.gone")));
  const again = h("button", { type: "button", id: "try-again", onclick: () => reload() }, t("button.again"));
  return panel("bad", t("error.failed"), h("p", {}, textOf(error)), again);
}

function interruption(error) {
  if (error instanceof SignedOut)
    return panel("wait", t("error.sign.in.ended"), h("p", {}, t("error.sign.in.kept")), signIn(error));
  return panel("wait", t("error.again"), h("p", {}, `${textOf(error)} ${t("error.kept")}`));
}
