// What an administrator is about to join, asked before it counts: Microsoft's answer may be somebody else's.

import { ENTRA, post } from "./api.js";
import { h, say } from "./dom.js";
import { facts, panel, signIn, textOf, time } from "./parts.js";

const VERIFIER = "entra-verifier";

/** Only this window can complete the request that it began: a link with a code, sent by somebody, joins nothing. */
export const keepVerifier = (verifier) => sessionStorage.setItem(VERIFIER, verifier);

/** Show the organisation, its tenant and who approved, and ask. */
export async function review(stage, code) {
  const verifier = sessionStorage.getItem(VERIFIER);
  if (!verifier) {
    const text =
      "The request at Microsoft was not begun in this window, so it joins nothing here. Grant permissions again.";
    const again = h("button", { type: "button", class: "primary", onclick: () => stage.reload() }, "Go on");
    stage.place.replaceChildren(panel("bad", "This is not your request", h("p", {}, text), again));
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
      h("h2", {}, "Is this your organisation?"),
      h(
        "p",
        {},
        "Its people will be synced to this workspace. Connect it only if you know the tenant and who approved.",
      ),
      facts([
        ["Organisation", found.tenant.displayName],
        ["Tenant id", h("code", {}, found.tenant.id)],
        ["Approved by", found.approvedBy],
      ]),
      others(stage, found, proof),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", onclick: end }, "Do not connect"),
        h("button", { type: "button", class: "primary", id: "connect", onclick: connect }, "Connect"),
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
    h("h3", {}, "Also connected to this organisation"),
    h("p", {}, "Other workspaces read its people too. End what your organisation does not want; their contacts stay."),
    found.otherWorkspaces.map((one) =>
      h(
        "p",
        {},
        `${one.name}, by ${one.connectedBy}, since `,
        time(one.since),
        " ",
        h("button", { type: "button", class: "danger", onclick: endOther(one.id) }, `End ${one.name}`),
      ),
    ),
  );
}
