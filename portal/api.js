// The API, as the signed-in person. A token that ran out is fetched again; one that cannot be had asks to sign in.

import { isText, problem as meaning, reason, t } from "./words.js";

const BASE = new URL("../", import.meta.url);
const PATIENCE_MS = 70_000;

/** An answer that is none, or a refusal: `status` (0: no answer), `code`, and what is wrong by field. */
export class ApiError extends Error {
  constructor(status, problem) {
    const code = (problem.type || "").split("#")[1] || "";
    super(meaning(code, problem.detail) || t(status ? "error.ours" : "error.unreachable"));
    Object.assign(this, { status, code });
    this.fields = Object.fromEntries((problem.errors || []).map((one) => [one.field, reason(one.message)]));
  }
}

export class SignedOut extends Error {
  constructor(signIn) {
    super(t("error.signed.out"));
    this.signIn = signIn;
  }
}

let token = "";
let goodUntil = 0;
let settings;

async function freshToken() {
  settings ??= await (await fetch(new URL("config.json", import.meta.url))).json();
  const answer = await fetch(settings.tokenUrl, { credentials: "include", signal: AbortSignal.timeout(PATIENCE_MS) });
  const body = await answer.json().catch(() => ({}));
  if (answer.status === 401) throw new SignedOut(body.signIn);
  if (!answer.ok) throw new ApiError(answer.status, {});
  token = body.token;
  goodUntil = Date.now() + (body.expiresIn - 30) * 1000;
}

/** Who is signed in, by the token's own claims: for what is shown and kept here, never for what is allowed. */
export async function person() {
  if (Date.now() >= goodUntil) await freshToken();
  const part = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
  const claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(part), (c) => c.codePointAt(0))));
  return { id: `${claims.workspace_id} ${claims.sub}`, name: claims.name, workspace: claims.workspace_name };
}

/** Call the API: `{body, headers}`. Throws ApiError or SignedOut. */
export async function call(method, path, body, headers = {}) {
  try {
    if (Date.now() >= goodUntil) await freshToken();
    let answer = await send(method, path, body, headers);
    if (answer.status === 401) {
      await freshToken();
      answer = await send(method, path, body, headers);
    }
    const told = await toldBy(answer);
    if (!answer.ok) throw new ApiError(answer.status, told || {});
    return { body: told, headers: answer.headers };
  } catch (error) {
    if (error instanceof ApiError || error instanceof SignedOut) throw error;
    throw new ApiError(0, {});
  }
}

/** What an answer says: JSON, or a table as it is. */
async function toldBy(answer) {
  if (answer.status === 204) return null;
  if (answer.headers.get("content-type")?.startsWith("text/csv")) return answer.blob();
  return answer.json().catch(() => ({}));
}

function send(method, path, body, headers) {
  return fetch(new URL(path, BASE), {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
}

export const get = async (path) => (await call("GET", path)).body;
export const post = async (path, body) => (await call("POST", path, body)).body;
export const ENTRA = "integrations/entra";

/** What can be mapped, with the fields' names in the reader's language; the workspace's own fields keep theirs. */
export async function offeredFields() {
  const told = await get(`${ENTRA}/fields`);
  const named = (one) => (!one.custom && isText(`field.${one.name}`) ? { ...one, label: t(`field.${one.name}`) } : one);
  return {
    ...told,
    directoryFields: told.directoryFields.map(named),
    contactFields: told.contactFields.map(named),
  };
}
