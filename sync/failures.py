"""Why a run failed, in plain words, and what to do (pure; spec §6)."""

from errors import ConnectorError, ConsentLost, ForeignLink
from workspace.run import RunError


def explain(error: ConnectorError) -> RunError:
    """A failure as an administrator reads it."""
    if isinstance(error, ConsentLost):
        return RunError(
            error.code,
            "Microsoft no longer lets emu.chat read this directory. Your contacts and settings are kept.",
            "Grant permissions again; a full sync follows by itself.",
        )
    if isinstance(error, ForeignLink):
        return RunError(
            error.code,
            "Microsoft's answer pointed to an address that is not Microsoft Graph, so it was not followed.",
            "Try Full Resync. If it happens again, tell emu.chat's support.",
        )
    return RunError(
        error.code, f"The sync stopped: {error}.", "It starts again at the next full hour, or with Sync Now."
    )


_TOO_LONG = ("PropertyValueTooLarge", "EntityTooLarge", "RequestBodyTooLarge")


def why_skipped(reason: str) -> str:
    """Why a contact could not be stored, as an administrator reads it."""
    if any(code in reason for code in _TOO_LONG):
        return "One of the values in Microsoft is too long to be stored."
    return f"The contact could not be stored ({reason})."


def gave_up(reason: str) -> RunError:
    """A run whose message failed every time."""
    return RunError(
        "gave_up",
        f"The sync was tried several times and did not get through ({reason}).",
        "Nothing was lost. It starts again at the next full hour, or with Sync Now.",
    )
