"""Random histories: what happens in a directory, in emu.chat, in the settings and to workers, with runs in between."""

import itertools

from hypothesis import strategies as st

from local.microsoft.odd_text import INVALID_BYTE, LINE_SEPARATOR, LONE_HIGH, NUL
from workspace.edits import EditKind

PEOPLE = [f"00000000-0000-4000-8000-{number:012x}" for number in range(1, 9)]
MAILS = ["one@x.example", "one@x.example", "two@x.example", "ONE@x.example", None]
NAMES = ["Ada", "Bob", None]
ODD_NAMES = [f"M{INVALID_BYTE}ller", f"Zo{LONE_HIGH}", f"A{LINE_SEPARATOR}B", f"N{NUL}l"]
DIRECTORY_FIELDS = ["givenName", "surname", "mail", "companyName", "department", "mobilePhone", "usageLocation"]
DIRECTORY_FIELDS += ["accountEnabled", "userType"]
DEPARTMENTS = ["Sales", "sales ", "Legal", None]
RULES = [
    ("department", "is", "sales"),
    ("department", "starts_with", "le", "xx"),
    ("department", "is_empty"),
    ("companyName", "is", "ada", "bob"),
    ("givenName", "is", "ada", "bob"),
    ("mail", "starts_with", "one", "two"),
]
"""Scope rules, about fields that are mapped and one that is not.

None of them is met by a value that the local Microsoft makes up as an earlier one (local/microsoft/rounds.py): a
person would come into the list with values that were never the person's.
"""
FOR_EVER = 10**9
URL = "https://entra.emu.example/api/integrations/entra/notifications"
"""Where Microsoft would tell of changes."""

PHONES = ["044 668 18 00", "+41 44 668 18 00", None]
COUNTRIES = ["CH", "DE", None]
"""In which the same national number is another one."""

_who = st.sampled_from(PEOPLE)
_values = st.fixed_dictionaries(
    {},
    optional={
        "givenName": st.sampled_from([*NAMES, *NAMES, *ODD_NAMES]),
        "surname": st.sampled_from(NAMES),
        "mail": st.sampled_from(MAILS),
        "companyName": st.sampled_from(NAMES),
        "department": st.sampled_from(DEPARTMENTS),
        "mobilePhone": st.sampled_from(PHONES),
        "usageLocation": st.sampled_from(COUNTRIES),
        "accountEnabled": st.sampled_from([True, True, False]),
        "userType": st.sampled_from(["Member", "Member", "Guest"]),
    },
)
_fields = st.fixed_dictionaries(
    {},
    optional={
        "firstName": st.sampled_from(["Local", None]),
        "email": st.sampled_from(MAILS),
        "department": st.sampled_from(["Mine", None]),
    },
)
_nth = st.integers(0, 9)
_kills = st.lists(st.integers(1, 14), max_size=3).map(tuple)
_full = st.booleans()
_in_directory = st.one_of(
    st.tuples(st.just("hire"), _who, _values),
    st.tuples(st.just("change"), _who, _values),
    st.tuples(st.just("leave"), _who),
)
_choices = st.fixed_dictionaries(
    {
        "keep_local": st.booleans(),
        "hard_delete": st.booleans(),
        "include_guests": st.booleans(),
        "include_disabled": st.booleans(),
        "e164": st.booleans(),
        "rules": st.one_of(st.just([]), st.lists(st.sampled_from(RULES), max_size=2)),
        "excluded": st.one_of(st.just([]), st.lists(_who, max_size=2, unique=True)),
    }
)

FAULTS = [
    {"status": 429, "retryAfter": "1"},
    {"status": 429, "retryAfter": "0"},
    {"status": 429, "retryAfter": "3600"},
    {"status": 429, "retryAfter": "10000000"},
    {"status": 429, "retryAfter": "http-date:2"},
    {"status": 429},
    {"status": 500},
    {"status": 502},
    {"status": 503},
    {"status": 504},
    {"status": 403, "code": "AccessDenied"},
    {"kind": "reset"},
    {"kind": "truncated"},
    {"kind": "malformed"},
    {"kind": "claims"},
    {"status": 410, "code": "resyncRequired"},
    {"status": 400, "code": "syncStateNotFound"},
    {"kind": "stall", "seconds": 2},
    {"expire": "Request_UnsupportedQuery"},
    {"expire": "BadRequest"},
    {"expire": "UnknownError"},
    {"expire": "Directory_ExpiredPageToken"},
    # A link that is refused once, or until it is given up.
    *[
        {"status": status, "code": code, "link": "stored", "times": times}
        for status, code in ((400, "BadRequest"), (404, "UnknownError"), (400, "Directory_ExpiredPageToken"))
        for times in (1, 2)
    ],
]
"""What passes within the run."""

ENDS = [
    {"endless": "same_link"},
    {"endless": "new_links"},
    {"endless": "cycle"},
    {"fault": {"status": 400, "code": "syncStateNotFound", "link": "next", "times": FOR_EVER}},
    {"fault": {"kind": "odd_link", "code": "nextLink", "message": "not an address"}},
    {"fault": {"kind": "odd_link", "code": "nextLink", "message": "https://[::1/v1.0/users"}},
    {"fault": {"kind": "odd_link", "code": "deltaLink", "message": "nowhere"}},
    {"fault": {"kind": "foreign_link"}},
    {"missing": "90002"},
]
"""What may end a run with its reason; once it is over, the next run is right."""

STORAGE_FAULTS = ["lost_before", "lost_after", "error_after", "500", "503", "stall", "412"]
"""Of a call of the next run, by its number: to tables, or to the queue."""

_shape = st.fixed_dictionaries(
    {},
    optional={
        "page_size": st.sampled_from([1, 2, 3, 200]),
        "random_pages": st.booleans(),
        "empty_pages": st.booleans(),
        "duplicates_percent": st.sampled_from([0, 50, 100]),
        "patches_percent": st.sampled_from([0, 50, 100]),
        "strangers": st.sampled_from([0, 1]),
        "shuffle": st.booleans(),
        "sparse": st.sampled_from([True, True, False]),
        "capital_ids_percent": st.sampled_from([0, 50]),
        "byte_order_mark": st.booleans(),
        "seed": st.integers(1, 100),
    },
)
HIDDEN = ["null", "missing", "missing_later"]
"""How accountEnabled is not told in a full run."""

_run = st.one_of(
    st.tuples(st.just("run"), _full, st.just(())),
    st.tuples(st.just("run"), _full, _kills),
    st.tuples(st.just("run"), _full, _kills),
)
_undo = st.tuples(st.just("undo"), st.integers(0, 3), st.booleans(), _kills)
"""Of the newest run, or of one before it; and perhaps the undo as well."""
_undo_edits = st.tuples(st.just("undo edits"), st.integers(0, 3), st.booleans(), _kills)
"""Of the edits of a kind in the hour that began with the newest edit, or with one before it."""

RINGS = ["rung", "doubled", "late", "lost", "forged", "during"]
"""What becomes of Microsoft's notification: `late` comes some steps after, `during` while a worker works."""
_bell = st.tuples(st.just("ring"), st.sampled_from(RINGS), st.integers(1, 4))
_pause = st.one_of(
    st.just(("pause",)),
    st.just(("resume",)),
    st.tuples(st.just("pause in a run"), _full, st.integers(1, 30)),
)

STEP = st.one_of(
    _in_directory,
    _in_directory,
    st.tuples(st.just("leave"), _who),
    st.tuples(st.just("missed"), _in_directory),
    st.tuples(st.just("late"), st.integers(0, 2), _in_directory),
    st.tuples(st.just("edit"), _nth, _fields),
    st.tuples(st.just("drop"), _nth),
    st.tuples(st.just("add"), _fields),
    st.tuples(st.just("configure"), _choices),
    st.tuples(st.just("shape"), _shape),
    _run,
    _run,
    _run,
    st.one_of(
        st.tuples(st.just("twice"), _full),
        st.tuples(st.just("orphan"), _full, st.integers(1, 30), st.integers(0, 3)),
        st.tuples(st.just("orphan"), _full, st.integers(1, 30), st.integers(0, 3)),
        st.tuples(st.just("hidden"), st.sampled_from(HIDDEN)),
        st.just(("tick",)),
        st.just(("week",)),
        st.tuples(st.just("old"), _nth),
    ),
    _undo,
    _undo_edits,
    _bell,
    _bell,
    _pause,
    st.tuples(st.just("fault"), st.sampled_from(FAULTS)),
    st.tuples(st.just("ends"), st.sampled_from(ENDS)),
    st.tuples(st.just("storage"), st.sampled_from(STORAGE_FAULTS), st.integers(1, 16)),
    st.one_of(st.just(("queue away",)), st.tuples(st.just("outage"), st.integers(1, 20), st.integers(1, 6))),
)
# There is somebody to begin with: a history of an empty list tells little.
_BEGIN = [("hire", one, {"givenName": "Ada", "mail": f"{place}@x.example"}) for place, one in enumerate(PEOPLE[:3])]
_BEGIN = [*_BEGIN, ("run", True, ())]
_END = [("run", False, ())]
_ODD = ("shape", {"sparse": True, "page_size": 2, "duplicates_percent": 50, "patches_percent": 50})


def begin(*, odd=False):
    """A first sync of three people, at the Microsoft of the documentation or at an odd one."""
    return [*([_ODD] if odd else []), *_BEGIN]


def _whole(steps, *, odd):
    return [*begin(odd=odd), *steps, *_END]


HISTORY = st.builds(_whole, st.lists(STEP, min_size=2, max_size=10), odd=st.booleans())

SWITCHES = ("keep_local", "hard_delete", "include_guests", "include_disabled", "e164")
_DEFAULT = dict.fromkeys(SWITCHES, False)
_LONG = "x" * 70_000
_BEFORE = [("change", PEOPLE[0], {"givenName": "Bob"}), ("leave", PEOPLE[1]), ("add", {"email": "two@x.example"})]
_BEFORE = [*_BEFORE, ("hire", PEOPLE[3], {"mail": "two@x.example"}), ("hire", PEOPLE[4], {"mail": "Two@x.example"})]


def _ruled(*choices):
    """A saved configuration with the rules and excluded people among the choices."""
    rules, excluded = [one for one in choices if one in RULES], [one for one in choices if one in PEOPLE]
    switches = dict.fromkeys(SWITCHES, False)
    return "configure", {**switches, "rules": rules, "excluded": excluded}


def one_of_each(*, thorough):
    """Histories in which each kind of trouble is met for certain, while somebody leaves.

    `thorough`: by delta and by full runs, and with workers that die besides; otherwise once each.
    """
    runs = ((False, ()), (True, ()), (False, (6,))) if thorough else ((False, ()),)
    fulls = (False, True) if thorough else (False,)
    found = [
        [*_BEGIN, *_BEFORE, ("fault", fault), ("run", full, kills), *_END] for fault in FAULTS for full, kills in runs
    ]
    found += [
        [*_BEGIN, ("shape", {"page_size": size}), *_BEFORE, ("ends", trouble), ("run", full, ()), *_END]
        for trouble in ENDS
        for full, size in (((False, 1), (True, 1), (True, 200)) if thorough else ((True, 1),))
    ]
    found += [
        [*_BEGIN, *_BEFORE, ("storage", fault, number), ("run", full, ()), *_END]
        for fault in STORAGE_FAULTS
        for full, number in (((False, 3), (False, 5), (True, 4), (True, 6)) if thorough else ((False, 5),))
    ]
    found += [[_ODD, *_BEGIN, *_BEFORE, ("hidden", hidden), *_END] for hidden in HIDDEN]
    # A read of single users whose next page is refused for ever ends with its message, buried as poison.
    refused = next(one for one in ENDS if one.get("fault", {}).get("code") == "syncStateNotFound")
    found += [[_ODD, *_BEGIN, ("ends", refused), ("hidden", "missing"), *_END]]
    # Somebody who may not sign in any more, on several pages of which only the first ones say so.
    disabled = ("hire", PEOPLE[2], {"accountEnabled": False})
    found += [[_ODD, *_BEGIN, disabled, ("hidden", "missing_later"), *_END]]
    # A rule, a patch that does not tell what the rule looks at, and one that does; by then another rule stands.
    sells = [("change", one, {"department": "Sales"}) for one in PEOPLE[:2]]
    told = [("change", PEOPLE[0], {"givenName": "Bob"}), *_END, ("change", PEOPLE[1], {"department": "Legal"}), *_END]
    found += [
        [_ODD, *_BEGIN, *sells, _ruled(rule), *_END, *told, _ruled(RULES[1], PEOPLE[0]), *_END, _ruled(), *_END]
        for rule in RULES
    ]
    found += [[*_BEGIN, *_BEFORE, ("orphan", full, number, 0), *_END] for full in fulls for number in (5, 9)]
    found += [[*_BEGIN, *_BEFORE, ("twice", full), *_END] for full in fulls]
    found += [[*_BEGIN, *_BEFORE, ("outage", number, 2), ("run", False, ()), *_END] for number in (2, 8)]
    # Three deaths at one place end a run; the next one is right.
    found += [[*_BEGIN, *_BEFORE, ("run", full, (number,) * 3), *_END] for full in fulls for number in (4, 5)]
    # The queue is away when a pause has to be waited for.
    away = ("fault", {"status": 429, "retryAfter": "3600"}), ("queue away",)
    found += [[*_BEGIN, *_BEFORE, *away, ("run", full, ()), *_END] for full in fulls]
    # Deltas miss a change: the weekly run finds it.
    missed = (("change", PEOPLE[2], {"givenName": "Bob"}), ("leave", PEOPLE[2]), ("hire", PEOPLE[5], {}))
    found += [[*_BEGIN, ("missed", step), *_BEFORE, ("tick",), ("week",), *_END] for step in missed]
    found += [
        [*_BEGIN, *_BEFORE, *_END, ("late", rounds, step), *[("tick",)] * 3, *_END]
        for step in missed
        for rounds in (0, 2)
    ]
    found += [[*_BEGIN, *_BEFORE, ("run", True, ()), ("old", 0), ("old", 1), *_END]]
    # The country of a number becomes known, another one, and unknown again, by patches that tell of nothing else.
    countries = [[("change", PEOPLE[0], {"usageLocation": one}), *_END] for one in ("CH", "DE", None)]
    phones = [("configure", {**_DEFAULT, "e164": True}), ("change", PEOPLE[0], {"mobilePhone": PHONES[0]}), *_END]
    found += [[_ODD, *_BEGIN, *phones, *itertools.chain(*countries)]]
    # A run is undone, and the undo as well; workers die in it.
    gone = [
        ("configure", {**_DEFAULT, "hard_delete": True}),
        ("edit", 0, {"department": "Mine"}),
        ("drop", 1),
        *_BEFORE,
    ]
    found += [
        [*_BEGIN, *gone, ("run", full, ()), step, ("undo", nth, again, kills), *_END]
        for full in fulls
        for nth in ((0, 1) if thorough else (0,))
        for again in (False, True)
        for kills in (((), (3,), (5,), (6,), (7,), (4, 9)) if thorough else ((5,),))
        for step in ((("change", PEOPLE[2], {}), ("edit", 0, {"firstName": "Local"})) if thorough else (("drop", 0),))
    ]
    edited = [("add", {"firstName": "Own"}), ("edit", 0, {"department": "Mine"}), ("edit", 0, {"firstName": "Local"})]
    found += [
        [*_BEGIN, *edited, ("drop", 1), *between, ("undo edits", nth, again, kills), *_END]
        for nth in ((0, 1, 2, 3) if thorough else (0, 1, 3))
        for again in (False, True)
        for kills in (((), (3,), (5,), (6,), (7,), (4, 9)) if thorough else ((5,),))
        for between in (((), [*_BEFORE, ("run", False, ()), ("edit", 0, {"lastName": "Again"})]) if thorough else ((),))
    ]
    # Microsoft tells of the changes, in one way or another; syncing is paused meanwhile, or not.
    found += [
        [*_BEGIN, *pause, *_BEFORE, ("ring", kind, 1), ("tick",), ("edit", 0, {"firstName": "Local"}), *go_on, *_END]
        for kind in RINGS
        for pause, go_on in (((), ()), ([("pause",)], [("resume",)]))
    ]
    found += [[*_BEGIN, *_BEFORE, ("pause in a run", full, number), *_END] for full in fulls for number in (5, 9)]
    found += [[*_BEGIN, *_BEFORE, ("pause",), ("run", True, ()), ("undo", 0, False, ()), *_END]]
    bom = ("shape", {"byte_order_mark": True})
    odd = [("change", PEOPLE[place % 3], {"givenName": name}) for place, name in enumerate(ODD_NAMES)]
    found += [[*_BEGIN, bom, one, ("run", full, ()), *_END] for one in odd for full in fulls]
    return [*found, *(_refused(full) for full in fulls)]


def _refused(full):
    """A record that storage refuses, of somebody known and of somebody new; later it fits."""
    return [
        *_BEGIN,
        ("hire", PEOPLE[3], {"givenName": _LONG}),
        ("change", PEOPLE[0], {"givenName": _LONG}),
        ("change", PEOPLE[1], {"givenName": "Bob"}),
        ("run", full, ()),
        ("change", PEOPLE[0], {"givenName": "Bob"}),
        ("leave", PEOPLE[2]),
        *_END,
        ("change", PEOPLE[3], {"givenName": "Bob"}),
        *_END,
    ]


_KINDS = {
    *("killed", "orphaned", "orphan went on", "twice", "tick", "week", "old", "hidden", "missed", "shape"),
    *("rules", "excluded", "numbers in international form"),
    *(f"ring {kind}" for kind in RINGS),
    *("run by a doorbell", "rung in a pause", "pause", "resume", "paused in a run", "refused in a pause"),
    *(
        "told late",
        "undo",
        "undone",
        "undone again",
        *(f"undone {kind}" for kind in EditKind),
        "left alone",
        "paused",
        "queue was away",
        "refused by storage",
        "outage met",
        "verified",
        "drift",
        "stall",
    ),
    *(f"storage {fault}" for fault in STORAGE_FAULTS),
    *(f"expire {fault['expire']}" for fault in FAULTS if "expire" in fault),
    *(fault["kind"] for fault in FAULTS if "kind" in fault),
    *(f"{fault['status']} {fault.get('retryAfter')}" for fault in FAULTS if "status" in fault),
    *("odd_link", "foreign_link", "ended by round_broken", "ended by foreign_link", "ended by consent_lost"),
    "ended by worker_died",
}


def require_met(met, histories):
    """Nothing is proved by what never happened."""
    assert met["killed"] > histories // 10
    assert not _KINDS - {str(kind) for kind, times in met.items() if times}, "some kinds of trouble were never met"


def progress(what, of):
    """Called after each history, it says now and then how far the soak is; seen with `pytest -s`."""
    done = itertools.count(1)

    def tell():
        if (number := next(done)) % max(of // 50, 100) == 0:
            print(f"{number:,} of about {of:,} {what}", flush=True)

    return tell


def pick(model, nth):
    """The nth contact that is shown; None when there is none."""
    shown = sorted(model.shown())
    key = shown[nth % len(shown)] if shown else None
    return next((one for one in model.cards if (one.user or one.own_id) == key and not one.removed_by_person), None)
