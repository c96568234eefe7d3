"""local.settings.json, read as Core Tools read it: a variable that is set already wins."""

import json
from collections.abc import Mapping
from pathlib import Path


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
        raise SettingsFileError(f"{path.name} is missing: copy local.settings.example.json to it") from error
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
