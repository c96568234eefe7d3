// What an administrator is about to join, asked before it counts: Microsoft's answer may be somebody else's.

import { ENTRA, post } from "./api.js";
import { h, say } from "./dom.js";
import { facts, panel, signIn, textOf, time } from "./parts.js";
import { rich, t } from "./words.js";

const VERIFIER = "entra-verifier";

/** Only this window can complete the request that it began: a link with a code, sent by somebody, joins nothing. */
export const keepVerifier = (verifier) => sessionStorage.setItem(VERIFIER, verifier);

/** Show the organisation, its tenant and who approved, and ask. */
export async function review(stage, code) {
  const verifier = sessionStorage.getItem(VERIFIER);
  if (!verifier) {
    const text = t("review.foreign.text");
    const again = h("button", { type: "button", class: "primary", onclick: () => stage.reload() }, t("review.go.on"));
    stage.place.replaceChildren(panel("bad", t("review.foreign"), h("p", {}, text), again));
    return;
  }
  draw(stage, await post(`${ENTRA}/consent/review`, { code, verifier }), { code, verifier });
}

function draw(stage, found, proof) {
  const problem = h("p", { id: "review-problem", class: "problem", role: "alert" });
  const end = () => {
    sessionStorage.removeItem(VERIFIER);
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
