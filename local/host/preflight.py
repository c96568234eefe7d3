"""Refuses to start an app whose settings are missing or malformed (spec §8), where it has `services/settings.py`."""

import importlib
import os
from pathlib import Path


class SettingsProblem(RuntimeError):
    """All that is wrong with the settings, in one message."""


def check_settings(root: Path) -> None:
    """Let the app read its settings once.

    Raises:
        SettingsProblem
    """
    if not (root / "services" / "settings.py").exists():
        return
    settings = importlib.import_module("services.settings")
    try:
        settings.Settings.read(os.environ)
    except settings.SettingsError as error:
        raise SettingsProblem(str(error)) from error
