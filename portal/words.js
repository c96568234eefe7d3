// What the page says: numbers, times, states, in one place.

export const number = (value) => value.toLocaleString("en-GB");
export const people = (count) => (count === 1 ? "1 person" : `${number(count)} people`);
export const contacts = (count) => (count === 1 ? "1 contact" : `${number(count)} contacts`);

/** "13.8 %". */
export const share = (part, whole) =>
  whole ? (part / whole).toLocaleString("en-GB", { style: "percent", maximumFractionDigits: 1 }) : "–";

const STEPS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];
const relative = new Intl.RelativeTimeFormat("en-GB", { numeric: "auto" });

/** "2 hours ago", "in 35 minutes", "just now". */
export function ago(iso, now = Date.now()) {
  const seconds = (Date.parse(iso) - now) / 1000;
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  return seconds > 0 ? "in a moment" : "just now";
}

export const exact = (iso) => new Date(iso).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "long" });

/** "14:03:12", of another day "22 Sept, 14:03:12", of another year "22 Sept 2025, 14:03:12". */
export function clock(iso, now = new Date()) {
  const then = new Date(iso);
  const year = then.getFullYear() === now.getFullYear() ? {} : { year: "numeric" };
  const day = then.toDateString() === now.toDateString() ? {} : { day: "numeric", month: "short", ...year };
  return then.toLocaleString("en-GB", { ...day, hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/** "1 h 5 min", "3.2 s". */
export function duration(seconds) {
  if (seconds < 0.1) return "under 0.1 s";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export const seconds = (from, to) => Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);

export const MODE = { delta: "Sync of changes", full: "Full sync" };
export const TRIGGER = {
  schedule: "hourly",
  manual: "on demand",
  configuration: "new configuration",
  recovery: "after a reconnection",
};
export const RUN_STATE = {
  queued: "Queued",
  running: "Running",
  awaiting_approval: "Waiting for approval",
  completed: "Completed",
  failed: "Failed",
  cancelled: "Cancelled",
  discarded: "Removals discarded",
};
export const OUTCOME = {
  added: "added",
  linked: "linked",
  updated: "updated",
  removed: "deleted",
  unlinked: "unlinked",
  skipped: "skipped",
  unchanged: "unchanged",
};

/** What a run did, in words: "3 added, 1 unlinked". */
export function did(counts) {
  const parts = ["added", "linked", "updated", "removed", "unlinked", "skipped"]
    .filter((name) => counts[name])
    .map((name) => `${number(counts[name])} ${OUTCOME[name]}`);
  return parts.length ? parts.join(", ") : "nothing changed";
}

/** What becomes of the contact of a person who left: the choice, the act, and its effect on those whom it meets. */
export const DELETION = {
  unlink: {
    label: "Unlink",
    told: "The contact of somebody who left stays in the list, without its link to the directory.",
    verb: "Unlink",
    effect: "Their contacts stay in the list, without their link to the directory.",
  },
  hard_delete: {
    label: "Hard Delete",
    told: "The contact of somebody who left is deleted for good.",
    verb: "Delete",
    effect: "Their contacts are deleted for good. This cannot be undone.",
  },
};

export const CONFLICT = {
  source_wins: {
    label: "Always update from source",
    told: "Overwrites local edits with the directory's values on each sync, empty values included.",
  },
  keep_local: {
    label: "Keep local changes",
    told: "Preserves what people typed in emu.chat and only fills in fields that are empty.",
  },
};

/** The settings of a configuration, by the name that the API gives them. */
export const SETTING = {
  fieldMappings: "Field Mappings",
  conflictResolution: "Conflict Resolution",
  deletionBehavior: "Deletion Behavior",
  includeGuests: "Guest accounts",
  includeDisabled: "Disabled accounts",
  removalGuard: "Protection against accidental removals",
};

export const CONSENT_ERROR = {
  cancelled: [
    "Nothing was granted",
    "The request at Microsoft was cancelled. You can grant permissions whenever you like.",
  ],
  not_an_administrator: [
    "Waiting for an administrator",
    "Granting access needs somebody who manages your organisation's Microsoft tenant: a Global Administrator or Privileged Role Administrator. Ask them to complete this step.",
  ],
  expired: ["That took too long", "A request is good for ten minutes and one use. Grant permissions again."],
  not_valid: [
    "Microsoft's answer did not add up",
    "Nothing was connected. Grant permissions again; if it happens twice, tell emu.chat's support.",
  ],
  sign_in_too_old: [
    "The sign-in at Microsoft was an old one",
    "Nothing was connected. Sign out at Microsoft, then grant permissions again and sign in there.",
  ],
  try_later: ["Microsoft is busy", "Nothing is lost. Grant permissions again in a minute."],
  approval_needed: [
    "Waiting for an administrator",
    "Microsoft says that an administrator has to approve this: a Global Administrator or Privileged Role Administrator. Ask them to complete this step.",
  ],
  other_organisation: [
    "That account belongs to another organisation",
    "Sign out at Microsoft, then grant permissions with an administrator's account of the organisation that you want to connect.",
  ],
  no_organisation: [
    "That is a personal Microsoft account",
    "Grant permissions with an administrator's work account of your organisation.",
  ],
  not_assigned: [
    "The application is not assigned to you",
    "In Microsoft Entra, under Enterprise applications, switch off 'Assignment required' for emu.chat or assign it to yourself. Then grant permissions again.",
  ],
  blocked_by_policy: [
    "A Conditional Access policy blocks the sign-in",
    "Sign in from a device or place that the policy allows, or ask whoever manages Conditional Access. Then grant permissions again.",
  ],
  our_registration: [
    "emu.chat could not see your role",
    "This is a fault of emu.chat's own registration at Microsoft, not yours. It was noted; try again later, or tell emu.chat's support.",
  ],
};

export const AUDIT = {
  connected: "connected Microsoft Entra ID",
  configured: "saved the configuration",
  synced: "asked for Sync Now",
  resynced: "asked for a Full Resync",
  approved: "approved removals",
  discarded: "discarded removals",
  cancelled: "cancelled a run",
  paused: "paused syncing",
  resumed: "resumed syncing",
  renamed: "renamed the contact list",
  disconnected: "disconnected Microsoft Entra ID",
  removed_contacts: "removed many contacts",
  adopted_contacts: "linked contacts that people had made",
};
