// Unsaved choices, kept in this browser for this person until they are saved or discarded: a reload, an ended sign-in or
// a lost connection does not lose them.

/** The draft of one person, named by `who` (from `person()`). */
export function draftOf(who) {
  const key = `entra-draft ${who.id}`;
  return {
    /** `{at, base, chosen}`: when it was kept, the configuration that it changes, and its choices; or null. */
    read() {
      try {
        return JSON.parse(localStorage.getItem(key));
      } catch {
        // What cannot be read is no draft; a browser may also refuse all storage.
        return null;
      }
    },
    /** Whether this browser could keep it. */
    keep(draft) {
      try {
        localStorage.setItem(key, JSON.stringify({ at: new Date().toISOString(), ...draft }));
        return true;
      } catch {
        return false;
      }
    },
    forget() {
      try {
        localStorage.removeItem(key);
      } catch {
        // Then nothing was kept either.
      }
    },
  };
}
