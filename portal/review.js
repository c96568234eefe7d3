// What an administrator is about to join, asked before it counts: Microsoft's answer may be somebody else's.

import { ENTRA, post } from "./api.js";
import { h, say } from "./dom.js";
import { forgetHandedOver, handedOver } from "./handover.js";
import { copyable, facts, panel, signIn, textOf, time } from "./parts.js";
import { rich, t } from "./words.js";

const VERIFIER = "entra-verifier";

/**
 * Only this window can complete the request that it began, or this browser one that was handed over from it: a link with a
 * code, sent by somebody, joins nothing.
 */
export const keepVerifier = (verifier) => sessionStorage.setItem(VERIFIER, verifier);

/** The request that this window began has ended otherwise. */
export const forgetVerifier = () => sessionStorage.removeItem(VERIFIER);

const verifierOf = () => sessionStorage.getItem(VERIFIER) ?? handedOver()?.verifier;

/** Whether a code came back in a browser that began nothing: of somebody who granted what was handed over to them. */
export const isOfAnother = () => !verifierOf();

/** Ask the person who granted to send the answer back: nobody but the one who began can confirm. */
export function sendBack(stage, code) {
  const link = `${location.origin}${location.pathname}?consent_code=${encodeURIComponent(code)}`;
  stage.place.replaceChildren(
    panel(
      "info",
      t("review.foreign"),
      h("p", {}, t("review.foreign.text")),
      copyable("send-back", t("review.send.back"), link),
      h("div", { class: "actions" }, h("a", { class: "button", href: "#/" }, t("review.go.on"))),
    ),
  );
}

/** Show the organisation, its tenant and who approved, and ask. */
export async function review(stage, code) {
  const proof = { code, verifier: verifierOf() };
  draw(stage, await post(`${ENTRA}/consent/review`, proof), proof);
}

function draw(stage, found, proof) {
  const problem = h("p", { id: "review-problem", class: "problem", role: "alert" });
  const end = () => {
    forgetVerifier();
    forgetHandedOver();
    stage.reload();
  };
  const connect = async () => {
    say(problem, "");
    try {
      await post(`${ENTRA}/consent/complete`, proof);
      end();
    } catch (error) {
      problem.replaceChildren(textOf(error), " ", signIn(error) || "");
    }
  };
  stage.place.replaceChildren(
    h(
      "section",
      { class: "box", id: "review" },
      h("h2", {}, t("review.title")),
      h("p", {}, t("review.text")),
      facts([
        [t("review.organisation"), found.tenant.displayName],
        [t("review.tenant"), h("code", {}, found.tenant.id)],
        [t("review.by"), found.approvedBy],
      ]),
      others(stage, found, proof),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", onclick: end }, t("review.no")),
        h("button", { type: "button", class: "primary", id: "connect", onclick: connect }, t("review.yes")),
      ),
      problem,
    ),
  );
}

/** What else reads the same organisation, each with a button that ends it. */
function others(stage, found, proof) {
  if (!found.otherWorkspaces.length) return null;
  const endOther = (workspaceId) => async () => {
    draw(stage, await post(`${ENTRA}/consent/end-other`, { ...proof, workspaceId }), proof);
  };
  return h(
    "div",
    { id: "others" },
    h("h3", {}, t("review.others")),
    h("p", {}, t("review.others.text")),
    found.otherWorkspaces.map((one) =>
      h(
        "p",
        {},
        rich("review.other", { name: one.name, by: one.connectedBy, when: time(one.since) }),
        " ",
        h(
          "button",
          { type: "button", class: "danger", onclick: endOther(one.id) },
          t("review.end", { name: one.name }),
        ),
      ),
    ),
  );
}
