"""What infra/ compiles to, as `make infra` keeps it: the template, and the resources of each way to deploy."""

import functools
import json
from typing import Any

from local.tools.infra import KEPT, TEMPLATE

WAYS = sorted(path.name.removesuffix(".bicepparam") for path in KEPT.glob("*.bicepparam"))


@functools.cache
def template() -> Any:
    return json.loads(TEMPLATE.read_text())


@functools.cache
def module(name: str) -> Any:
    """A module's own template."""
    return template()["resources"][name]["properties"]["template"]


@functools.cache
def _way(name: str) -> Any:
    return json.loads((KEPT / f"{name}.snapshot.json").read_text())


def resources(way: str, kind: str) -> list[Any]:
    """The resources of a kind, such as `Microsoft.Web/sites`, in the order of the template."""
    return [one for one in _way(way)["predictedResources"] if one["type"].partition("@")[0] == kind]


def only(way: str, kind: str) -> Any:
    [found] = resources(way, kind)
    return found


def kinds(way: str) -> set[str]:
    return {one["type"] for one in _way(way)["predictedResources"]}


def outputs(way: str) -> dict[str, Any]:
    return _way(way)["outputs"]


def app_settings(way: str = "ours") -> dict[str, str]:
    """The app's settings by name; values that Azure makes are expressions in brackets."""
    settings: dict[str, str] = only(way, "Microsoft.Web/sites/config")["properties"]
    return settings
