"""host.json as the host understands it: the parts that the listeners need, with the real host's defaults."""

from datetime import timedelta
from pathlib import Path

import msgspec


class Queues(msgspec.Struct, frozen=True, rename="camel"):
    """Settings of the queue extension (facts/functions.md 1)."""

    batch_size: int = 16
    new_batch_threshold: int | None = None
    max_dequeue_count: int = 5
    visibility_timeout: str = "00:00:00"
    max_polling_interval: str = "00:00:02"
    message_encoding: str = "base64"

    @property
    def most_at_once(self) -> int:
        threshold = self.batch_size // 2 if self.new_batch_threshold is None else self.new_batch_threshold
        return self.batch_size + threshold


class Http(msgspec.Struct, frozen=True, rename="camel"):
    route_prefix: str = "api"


class Extensions(msgspec.Struct, frozen=True):
    http: Http = Http()
    queues: Queues = Queues()


class HostJson(msgspec.Struct, frozen=True, rename="camel"):
    function_timeout: str = "00:30:00"
    extensions: Extensions = Extensions()


def read_host_json(root: Path) -> HostJson:
    """The app's host.json; the defaults where there is none.

    Raises:
        ValueError: it is not of the documented shape.
    """
    path = root / "host.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=HostJson) if path.exists() else HostJson()
    except msgspec.MsgspecError as error:
        raise ValueError(f"host.json: {error}") from error


def seconds(text: str) -> float:
    """A time span such as `00:10:00`."""
    hours, minutes, rest = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes), seconds=float(rest)).total_seconds()
