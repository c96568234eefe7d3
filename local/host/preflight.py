"""Refuses to start an app whose settings are missing or malformed (spec §8), where the app has a `settings` module."""

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
    if not (root / "settings.py").exists():
        return
    settings = importlib.import_module("settings")
    try:
        settings.Settings.read(os.environ)
    except settings.SettingsError as error:
        raise SettingsProblem(str(error)) from error
