"""What docs/openapi.yaml says of each call beyond the docstrings of triggers and structs, and what is sent to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from api.consent import CodeBody, OtherBody
from api.contacts import ORDERS, ContactBody, ListBody
from api.integration import ConfigurationBody
from api.runs import SyncBody
from contacts.listing import Part
from workspace.journal import Outcome
from workspace.run import RunState

ABOUT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "emu.chat Entra ID connector",
        "version": "1",
        "description": "The workspace is always the token's. Members may read and edit contacts; what only an "
        "administrator may do answers 403 `Ask your admin to configure it`.",
    },
    "servers": [{"url": "http://localhost:7071/api"}],
    "security": [{"platformToken": []}],
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter beside those of the path."""

    name: str
    prose: str
    schema: Mapping[str, Any]
    place: str = "query"
    required: bool = False


@dataclass(frozen=True, slots=True)
class Prose:
    """`answer`: what a good answer is. `body`: what is sent. `anybody`: without a token."""

    answer: str
    more: str = ""
    body: Any = None
    parameters: tuple[Parameter, ...] = field(default=())
    anybody: bool = False


_ADMIN = "Administrators only."
_TEXT = {"type": "string"}
_CONTINUATION = Parameter("continuation", "What the answer before said.", _TEXT)


_QUERY = Parameter("query", "What is looked for.", {"type": "string", "minLength": 2, "maxLength": 100})
_SEARCH = Parameter("search", "Words that a name or an address holds.", {"type": "string", "maxLength": 100})
_RUNS = (
    Parameter("outcome", "Only runs in this state.", {"enum": [one.value for one in RunState]}),
    Parameter("changed", "Without completed runs that changed nothing.", {"type": "boolean"}),
    Parameter("person", "Only runs that tell of this contact.", {"type": "string"}),
)
_PARTS = (
    "The header `Continuation` brings the next part, where there is one; the parts in their order are the file. "
    "No cell can be a formula."
)


def _page(rows: str) -> tuple[Parameter, Parameter]:
    return Parameter("limit", rows, {"type": "integer", "minimum": 1, "maximum": 1000}), _CONTINUATION


PROSE = {
    "show_integration": Prose("The card."),
    "list_fields": Prose("Fields."),
    "show_config": Prose("The configuration.", "Its version is the ETag."),
    "save_config": Prose(
        "As it was saved.",
        _ADMIN,
        ConfigurationBody,
        (Parameter("If-Match", "The ETag of the configuration that was changed.", _TEXT, "header"),),
    ),
    "pause": Prose(
        "The card.",
        "The run that goes on ends at its next checkpoint; removals that were approved and are not done wait for "
        f"approval again. {_ADMIN}",
    ),
    "resume": Prose("The card.", f"Starts a run at once. {_ADMIN}"),
    "preview_config": Prose("What a run would do.", f"For real people. Writes nothing. {_ADMIN}", ConfigurationBody),
    "find_people": Prose(
        "Up to ten people.",
        f"By the beginning of a name or an address, or by object id. {_ADMIN}",
        parameters=(_QUERY,),
    ),
    "preview_people": Prose(
        "Up to ten people.",
        f"As the search for people, under this configuration. {_ADMIN}",
        ConfigurationBody,
        (_QUERY,),
    ),
    "show_status": Prose("The status."),
    "start_run": Prose("The run that answers.", f"Starts, joins or follows a run. {_ADMIN}", SyncBody),
    "list_runs": Prose(
        "A page of runs.",
        "With a filter, a page may hold fewer than `limit`, or none, and still have a continuation.",
        parameters=(*_page("Runs."), *_RUNS),
    ),
    "download_runs": Prose("A part of the table.", _PARTS, parameters=(_CONTINUATION, *_RUNS)),
    "show_run": Prose("The run."),
    "list_changes": Prose(
        "A page of changes.",
        parameters=(
            *_page("Pages of the journal, each of some 200 changes."),
            Parameter("outcome", "Only changes of this outcome.", {"enum": [one.value for one in Outcome]}),
        ),
    ),
    "list_pending": Prose(
        "A page of people.",
        "Up to a thousand come in the order of their names. Of more, a page may hold fewer than `limit`, or none, and "
        "still have a continuation.",
        parameters=(*_page("People."), _SEARCH),
    ),
    "download_pending": Prose("A part of the table.", _PARTS, parameters=(_CONTINUATION, _SEARCH)),
    "approve_run": Prose("The run.", _ADMIN),
    "discard_run": Prose("The run.", f"Queues a full run. {_ADMIN}"),
    "cancel_run": Prose("The run.", _ADMIN),
    "preview_undo": Prose("What it would do now.", f"Writes nothing. {_ADMIN}"),
    "undo_run": Prose(
        "The undo.",
        "Pauses the connection, because the next run would do the same again. A contact that was changed since is left "
        f"alone and listed. A run can be undone for 90 days. {_ADMIN}",
    ),
    "show_quality": Prose(
        "A measurement a day.",
        f"Measured at night, and now where a full run completed since the last one. {_ADMIN}",
    ),
    "list_people_behind": Prose(
        "A page of contacts.", f"Of the last measurement. {_ADMIN}", parameters=_page("People.")
    ),
    "download_people_behind": Prose("A part of the table.", f"{_PARTS} {_ADMIN}", parameters=(_CONTINUATION,)),
    "list_audit": Prose("A page of the trail.", f"Newest first. {_ADMIN}", parameters=_page("Entries.")),
    "preview_undo_of_edits": Prose(
        "What it would do now.",
        "The edits are those of one kind that the person made within an hour from the entry's `since`. Writes nothing. "
        f"{_ADMIN}",
    ),
    "undo_edits": Prose(
        "The undo.",
        "Of an entry about many contacts that a person added, changed or removed. Pauses the connection as the undo of "
        f"a run does, and leaves alone what was changed since. Edits can be undone for 90 days. {_ADMIN}",
    ),
    "list_contact_lists": Prose("The lists."),
    "rename_contact_list": Prose("The list.", _ADMIN, ListBody),
    "list_contacts": Prose(
        "Contacts.",
        "By last name, then first name. A list that an older version stored comes by id until its next full run."
        " A page may hold fewer than `limit`, or none, and still have a continuation.",
        parameters=(
            *_page("Contacts."),
            Parameter(
                "search",
                "Words, in any order, without case and accents. First come those whose last name, first name or address"
                " begins so, then those that hold each word in some field.",
                {"type": "string", "maxLength": 100},
            ),
            Parameter(
                "filter",
                "`linked`: from Entra. `left`: was from Entra, and is not linked now. `local`: made here. `attention`: "
                "linked, and edited by a person since the last run, so that the next run decides whose value stands.",
                {"enum": [one.value for one in Part]},
            ),
            Parameter("order", "`name` where it is not said.", {"enum": list(ORDERS)}),
        ),
    ),
    "download_contacts": Prose(
        "A part of the table.",
        _PARTS,
        parameters=(Parameter("limit", "Thousands of contacts.", {"type": "integer", "minimum": 1}), _CONTINUATION),
    ),
    "add_contact": Prose("The contact.", body=ContactBody),
    "show_contact": Prose("The contact."),
    "change_contact": Prose("The contact.", body=ContactBody),
    "remove_contact": Prose("Gone."),
    "show_health": Prose("It can.", "503 with the reason when it cannot.", anybody=True),
    "begin_consent": Prose("Where the browser goes.", f"Begins a grant attempt of ten minutes. {_ADMIN}"),
    "return_from_consent": Prose(
        "To a sign-in, or to the portal with consent_code or consent_error.",
        "The signed state says whose they are.",
        anybody=True,
    ),
    "receive_notifications": Prose(
        "Taken, whatever it was.",
        "Microsoft's change notifications. With `validationToken`, the handshake: 200 and the token as plain text.",
        parameters=(Parameter("validationToken", "What Microsoft wants to read back.", _TEXT),),
        anybody=True,
    ),
    "review_consent": Prose("What would be joined.", f"The code stays good. {_ADMIN}", CodeBody),
    "end_other_connection": Prose(
        "What would be joined, as it stands then.",
        "The workspace keeps its contacts, and finds the end and who ended it in its audit trail. The code stays good. "
        f"{_ADMIN}",
        OtherBody,
    ),
    "complete_consent": Prose("The card.", f"Spends the one-time code that came back. {_ADMIN}", CodeBody),
    "disconnect": Prose(
        "Ended.",
        f"The contacts are unlinked or deleted in the background. {_ADMIN}",
        parameters=(
            Parameter(
                "contacts",
                "What becomes of the synced contacts.",
                {"enum": ["keep", "delete"]},
                required=True,
            ),
        ),
    ),
}
