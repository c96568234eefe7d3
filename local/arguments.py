"""Command lines of this folder: a wrong value ends a command with one clear line and exit code 2."""

import argparse
import sys
from typing import NoReturn

_LARGEST_PORT = 65_535
_MOST_PEOPLE = 2_000_000


class Parser(argparse.ArgumentParser):
    """argparse's own parser prints the whole usage before an error; this one prints the error alone."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}", file=sys.stderr)
        self.exit(2)


def port(text: str) -> int:
    """A port, or 0 for a free one."""
    return _number(text, 0, _LARGEST_PORT)


def people(text: str) -> int:
    """How many users an organisation has."""
    return _number(text, 0, _MOST_PEOPLE)


def milliseconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 60_000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0 to 60000")
    return value


def _number(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from {least} to {most}")
    return int(text)
