"""Why a run failed, in plain words, and what to do (pure; spec §6). Nothing here holds anybody's data."""

import re

from errors import ConnectorError, ConsentLost, ForeignLink, RoundBroken
from workspace.run import RunError

_AGAIN = "It starts again at the next full hour, or with Sync Now."
_SUPPORT = "Try Full Resync. If it happens again, tell emu.chat's support."

_SIGN_IN = {
    "53003": (
        "A Conditional Access policy in Microsoft Entra blocks emu.chat.",
        "Ask whoever manages Conditional Access to exclude the application, then press Sync Now.",
    ),
    "500014": (
        "Microsoft says that the application is disabled for your organisation.",
        "Enable it under Enterprise applications in Microsoft Entra, then press Sync Now.",
    ),
    "5000224": (
        "Microsoft is decommissioning this organisation's directory.",
        "Ask whoever manages your Microsoft tenant. Your contacts are kept.",
    ),
    "50020": ("Microsoft says that the account belongs to another organisation.", _SUPPORT),
    "50105": (
        "Microsoft Entra requires that the application is assigned before it may be used.",
        "Switch off 'Assignment required' for emu.chat under Enterprise applications, then press Sync Now.",
    ),
    "90002": ("Microsoft does not find your organisation's directory at the moment.", _AGAIN),
}
"""Microsoft's sign-in codes that an administrator can act on (facts/graph.md 5.4, 11)."""


def explain(error: ConnectorError) -> RunError:
    """A failure as an administrator reads it."""
    code = re.search(r"AADSTS(\d+)", str(error))
    if code is not None and code[1] in _SIGN_IN:
        message, action = _SIGN_IN[code[1]]
        return RunError(error.code, f"{message} (AADSTS{code[1]})", action)
    if isinstance(error, ConsentLost):
        return RunError(
            error.code,
            "Microsoft no longer lets emu.chat read this directory. Your contacts and settings are kept.",
            "Grant permissions again; a full sync follows by itself.",
        )
    if isinstance(error, ForeignLink):
        message = "Microsoft's answer pointed to an address that is not Microsoft Graph, so it was not followed."
        return RunError(error.code, message, _SUPPORT)
    if isinstance(error, RoundBroken):
        return RunError(error.code, f"Microsoft's answers do not come to an end: {error}.", _SUPPORT)
    return RunError(error.code, f"The sync stopped: {error}.", _AGAIN)


NOT_DECODED = "A character in Microsoft's record could not be read; '\N{REPLACEMENT CHARACTER}' stands in its place."

OVERTAKEN = "A person was changing this contact all the time. The next run brings it up to date."

_TOO_LONG = ("PropertyValueTooLarge", "EntityTooLarge", "RequestBodyTooLarge")


def why_skipped(reason: str) -> str:
    """Why a contact could not be stored, as an administrator reads it."""
    if any(code in reason for code in _TOO_LONG):
        return "One of the values in Microsoft is too long to be stored."
    return f"The contact could not be stored ({reason})."


def gave_up(trouble: RunError | None) -> RunError:
    """A run whose message failed every time, with what failed last."""
    if trouble is None:
        return RunError("gave_up", "The sync was tried several times and did not get through.", _AGAIN)
    return RunError("gave_up", f"The sync was tried several times. {trouble.message}", trouble.action)


def died(deaths: int) -> RunError:
    """A run whose workers stopped again and again at the same place."""
    return RunError(
        "worker_died", f"The sync was interrupted {deaths} times at the same place.", f"{_AGAIN} If not: {_SUPPORT}"
    )
