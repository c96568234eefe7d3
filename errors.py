"""What can go wrong, drawn by whose turn it is.

    ConnectorError
    ├── TryLater                 passes by itself: wait, or queue again after `after_seconds`
    │   ├── Throttled            Graph or storage asked for a pause
    │   ├── TokenRefused         Graph does not accept an access token (any more): get a new one
    │   ├── LinkRefused          Graph refuses a stored link: believed when a second try confirms it
    │   └── Conflict             another writer wrote the same row first: read again, decide again
    ├── PersonMustAct            nothing helps until a person acts: stop, and say who and what
    │   ├── ConsentLost          their administrator: consent withdrawn, tenant gone
    │   ├── CredentialRejected   our operator: our own credential fails, for every tenant alike
    │   └── Misconfigured        our operator: a setting is missing or malformed
    ├── DeltaLinkExpired         not a failure: the run becomes a full one
    ├── RoundBroken              Graph's round cannot be read to its end: the run ends with the reason
    │   └── ForeignLink          a link on another host, or none at all: it is not followed and gets no token
    ├── NotificationsRefused     Microsoft makes no subscription: the hourly run does without
    ├── RowRefused               storage will never take this row: it is skipped, counted and listed
    └── Refused                  the caller's fault: a 4xx that names the field; nothing was changed
        ├── NotSignedIn          401
        ├── NotAllowed           403
        ├── NotFound             404
        ├── Stale                412, the version named by If-Match is not the one stored
        └── TooMany              429, asked more often than is allowed

Every class has a stable `code`. `str(error)` is for people and holds nobody's data.
"""

from collections.abc import Mapping


class ConnectorError(Exception):
    """The root: everything this app raises on purpose."""

    code = "connector_error"


class TryLater(ConnectorError):
    """Passes by itself. `after_seconds` is the pause the other side named, or None."""

    code = "try_later"

    def __init__(self, message: str, after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds


class Throttled(TryLater):
    code = "throttled"


class TokenRefused(TryLater):
    code = "token_refused"


class LinkRefused(TryLater):
    code = "link_refused"


class Conflict(TryLater):
    code = "conflict"


class PersonMustAct(ConnectorError):
    code = "person_must_act"


class ConsentLost(PersonMustAct):
    """The customer's tenant no longer lets us in (spec §2). `reason` is Microsoft's stable code for it."""

    code = "consent_lost"

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class CredentialRejected(PersonMustAct):
    """Our own credential fails (spec §2): our operator must act, no tenant is to blame."""

    code = "credential_rejected"

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class Misconfigured(PersonMustAct):
    code = "misconfigured"


class DeltaLinkExpired(ConnectorError):
    code = "delta_link_expired"


class RoundBroken(ConnectorError):
    """Graph's round of users/delta cannot be read to its end (spec §6). The next run begins another one."""

    code = "round_broken"


class ForeignLink(RoundBroken):
    code = "foreign_link"


class NotificationsRefused(ConnectorError):
    """Microsoft makes or renews no subscription to changes. `status` is its answer's."""

    code = "notifications_refused"

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class RowRefused(ConnectorError):
    """Storage refuses a row for good. `position` is the operation's index in its transaction, -1 when not named."""

    code = "row_refused"

    def __init__(self, message: str, position: int = -1) -> None:
        super().__init__(message)
        self.position = position


class Refused(ConnectorError):
    """The caller's fault. `fields` maps the name of each bad field to the reason, in plain words."""

    code = "refused"
    status = 400

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = dict(fields or {})


class NotSignedIn(Refused):
    code = "not_signed_in"
    status = 401


class NotAllowed(Refused):
    code = "not_allowed"
    status = 403


class NotFound(Refused):
    code = "not_found"
    status = 404


class Stale(Refused):
    code = "stale"
    status = 412


class TooMany(Refused):
    """A person asks more often than is allowed. `after_seconds` says when the next request is taken."""

    code = "too_many"
    status = 429

    def __init__(self, message: str, after_seconds: float) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds
