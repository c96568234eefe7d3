"""Random histories: what happens in a directory, in emu.chat and in the settings, with runs in between."""

import itertools

from hypothesis import strategies as st

PEOPLE = [f"00000000-0000-4000-8000-{number:012x}" for number in range(1, 5)]
MAILS = ["one@x.example", "two@x.example", "ONE@x.example", None]
NAMES = ["Ada", "Bob", None]
DIRECTORY_FIELDS = ["givenName", "surname", "mail", "companyName", "accountEnabled", "userType"]

_who = st.sampled_from(PEOPLE)
_values = st.fixed_dictionaries(
    {},
    optional={
        "givenName": st.sampled_from(NAMES),
        "surname": st.sampled_from(NAMES),
        "mail": st.sampled_from(MAILS),
        "companyName": st.sampled_from(NAMES),
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
_kill = st.none() | st.integers(1, 14)

STEP = st.one_of(
    st.tuples(st.just("hire"), _who, _values),
    st.tuples(st.just("change"), _who, _values),
    st.tuples(st.just("leave"), _who),
    st.tuples(st.just("leave"), _who),
    st.tuples(st.just("edit"), _nth, _fields),
    st.tuples(st.just("drop"), _nth),
    st.tuples(st.just("add"), _fields),
    st.tuples(
        st.just("configure"),
        st.fixed_dictionaries(
            {
                "keep_local": st.booleans(),
                "hard_delete": st.booleans(),
                "include_guests": st.booleans(),
                "include_disabled": st.booleans(),
            }
        ),
    ),
    st.tuples(st.just("run"), st.booleans(), _kill),
    st.tuples(st.just("run"), st.booleans(), _kill),
)
# There is somebody to begin with: a history of an empty list tells little.
_BEGIN = [("hire", one, {"givenName": "Ada", "mail": f"{place}@x.example"}) for place, one in enumerate(PEOPLE[:3])]
_BEGIN = [*_BEGIN, ("run", True, None)]
_END = [("run", False, None)]
HISTORY = st.lists(STEP, min_size=3, max_size=16).map(lambda steps: [*_BEGIN, *steps, *_END])
FAULTS = [
    {"status": 429, "retryAfter": "1"},
    {"status": 429, "retryAfter": "0"},
    {"status": 429, "retryAfter": "3600"},
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
]
STORAGE_FAULTS = ["lost_before", "lost_after", "error_after", "500", "503", "stall", "412"]
"""Of a request of the next run, by its number: to tables, or to the queue."""
FAULTY_STEP = (
    STEP
    | st.tuples(st.just("fault"), st.sampled_from(FAULTS))
    | st.tuples(st.just("storage"), st.sampled_from(STORAGE_FAULTS), st.integers(1, 12))
)
FAULTY_HISTORY = st.lists(FAULTY_STEP, min_size=3, max_size=16).map(lambda steps: [*_BEGIN, *steps, *_END])
ONE_OF_EACH = [
    [
        *_BEGIN,
        ("change", PEOPLE[0], {"givenName": "Bob"}),
        ("leave", PEOPLE[1]),
        ("fault", fault),
        ("run", full, kill),
        *_END,
    ]
    for fault in FAULTS
    for full, kill in ((False, None), (True, None), (False, 6))
]
ONE_OF_EACH += [
    [
        *_BEGIN,
        ("change", PEOPLE[0], {"givenName": "Bob"}),
        ("leave", PEOPLE[1]),
        ("storage", fault, number),
        ("run", full, None),
        *_END,
    ]
    for fault in STORAGE_FAULTS
    for full, number in ((False, 3), (False, 5), (True, 4), (True, 6))
]
ONE_OF_EACH += [
    # The queue is away when a pause has to be waited for.
    [*_BEGIN, ("hire", PEOPLE[3], {}), ("fault", FAULTS[2]), ("queue away",), ("run", full, None), *_END]
    for full in (False, True)
]
ONE_OF_EACH += [
    # A record that storage refuses, of somebody known and of somebody new; later it fits.
    [
        *_BEGIN,
        ("hire", PEOPLE[3], {"givenName": "x" * 70_000}),
        ("change", PEOPLE[0], {"givenName": "x" * 70_000}),
        ("change", PEOPLE[1], {"givenName": "Bob"}),
        ("run", full, None),
        ("change", PEOPLE[0], {"givenName": "Bob"}),
        ("leave", PEOPLE[2]),
        *_END,
        ("change", PEOPLE[3], {"givenName": "Bob"}),
        *_END,
    ]
    for full in (False, True)
]
"""Histories in which each kind of fault is met for certain, by a delta and by a full run, while somebody leaves."""


def progress(what, of):
    """Called after each history, it says now and then how far the soak is; seen with `pytest -s`."""
    done = itertools.count(1)

    def tell():
        if (number := next(done)) % max(of // 50, 100) == 0:
            print(f"{number:,} of about {of:,} {what}", flush=True)

    return tell


def play_on_model(model, step):
    """A step that both sides take, on the model. The driver takes it on the engine."""
    match step:
        case ("hire", who, values):
            model.come_back(who, **values) if who in model.users else model.hire(who, **values)
        case ("change", who, values):
            model.change(who, **values)
        case ("leave", who):
            model.leave(who)
        case ("configure", choices):
            for name, value in choices.items():
                setattr(model, name, value)
            model.look_at_all = True


def pick(model, nth):
    """The nth contact that is shown; None when there is none."""
    shown = sorted(model.shown())
    key = shown[nth % len(shown)] if shown else None
    return next((one for one in model.cards if (one.user or one.own_id) == key and not one.removed_by_person), None)
