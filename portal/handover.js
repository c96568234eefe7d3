// A request at Microsoft that is handed over: somebody else grants it, in another browser, and whoever began it confirms.
// It is kept in this browser, so that it survives a reload, and until it is too old.

const KEY = "entra-handed-over";
/** As long as the API keeps a request good (connect/attempt.py), less a little. */
const LIFE_MS = 9.5 * 60_000;

/** `{link, verifier, until}`, or null where there is none that is still good. */
export function handedOver() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    return kept && Date.parse(kept.until) > Date.now() ? kept : null;
  } catch {
    // What cannot be read is no request; a browser may also refuse all storage.
    return null;
  }
}

/** Keep what the API answered to a new request; gives the same as `handedOver`. */
export function handOver({ redirectUrl, verifier }) {
  const kept = { link: redirectUrl, verifier, until: new Date(Date.now() + LIFE_MS).toISOString() };
  localStorage.setItem(KEY, JSON.stringify(kept));
  return kept;
}

export const forgetHandedOver = () => localStorage.removeItem(KEY);
