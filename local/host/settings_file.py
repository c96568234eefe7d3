"""local.settings.json, read as Core Tools read it: a variable that is set already wins."""

import json
from collections.abc import Mapping
from pathlib import Path

_DEVELOPMENT_STORAGE = "UseDevelopmentStorage=true"


class SettingsFileError(RuntimeError):
    """The file cannot be read; the message says why."""


def read_values(path: Path) -> dict[str, str]:
    """The file's `Values`.

    Raises:
        SettingsFileError
    """
    try:
        values = json.loads(path.read_text())["Values"]
    except FileNotFoundError as error:
        raise SettingsFileError(f"{path} is missing: copy local.settings.example.json to it") from error
    except OSError as error:
        raise SettingsFileError(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsFileError(f"{path.name} is not JSON with an object `Values`") from error
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise SettingsFileError(f"{path.name}: every entry of `Values` must be a text")
    return values


def merged(environ: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """What the app sees."""
    return {**values, **environ}


def resolved(text: str, environ: Mapping[str, str]) -> str:
    """A binding's value, with `%SETTING%` replaced.

    Raises:
        SettingsFileError: the setting is missing.
    """
    if not (text.startswith("%") and text.endswith("%") and len(text) > 2):
        return text
    name = text.strip("%")
    if name not in environ:
        raise SettingsFileError(f"the setting {name} is missing, and a function's schedule or queue needs it")
    return environ[name]


def storage_of(name: str, environ: Mapping[str, str]) -> str:
    """The connection string that a binding's `connection` names.

    Raises:
        SettingsFileError: the setting is missing.
    """
    connection = environ.get(f"AzureWebJobs{name}") or environ.get(name) or ""
    if not connection:
        raise SettingsFileError(f"{name} is missing: the host needs this storage account's connection string")
    if connection.rstrip(";") != _DEVELOPMENT_STORAGE:
        return connection
    from local.azurite import DEFAULT_ACCOUNT, DEFAULT_KEY, DEFAULT_PORTS, connection_string  # noqa: PLC0415 - only here

    return connection_string(DEFAULT_PORTS, DEFAULT_ACCOUNT, DEFAULT_KEY)
