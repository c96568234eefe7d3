"""host.json as the host understands it: the parts that the listeners need, with the real host's defaults and ranges."""

import os
from pathlib import Path

import msgspec

from local.host.time_span import seconds

_MOST_MESSAGES = 32
_SHORTEST_POLL_SECONDS = 0.1
_LONGEST_TIMEOUT_SECONDS = 2**31 / 1000
"""What a .NET timer can count. So a time-out without colons, which means days, is mostly refused."""
_UNBOUNDED = "-1"


class HostJsonProblem(ValueError):
    """host.json cannot be used; the message says why. The real host is up then, and answers 503 to everything."""


class Queues(msgspec.Struct, frozen=True, rename="camel"):
    """Settings of the queue extension (docs/facts/functions.md 1). Unknown ones are accepted, and so is `"4"` for 4."""

    batch_size: int = 16
    new_batch_threshold: int | None = None
    max_dequeue_count: int = 5
    visibility_timeout: str = "00:00:00"
    max_polling_interval: str = "00:00:02"
    message_encoding: str = "base64"

    @property
    def threshold(self) -> int:
        """The running count at which the next batch is fetched. Its default grows with the machine's processors."""
        if self.new_batch_threshold is not None:
            return self.new_batch_threshold
        return self.batch_size // 2 * (os.process_cpu_count() or 1)

    @property
    def visibility_seconds(self) -> float:
        return seconds(self.visibility_timeout)

    @property
    def polling_seconds(self) -> float:
        return seconds(self.max_polling_interval)


class Http(msgspec.Struct, frozen=True, rename="camel"):
    route_prefix: str = "api"


class Extensions(msgspec.Struct, frozen=True):
    http: Http = Http()
    queues: Queues = Queues()


class HostJson(msgspec.Struct, frozen=True, rename="camel"):
    function_timeout: str = "00:30:00"
    extensions: Extensions = Extensions()

    @property
    def timeout_seconds(self) -> float | None:
        """What an execution may take; None is without end."""
        return None if self.function_timeout == _UNBOUNDED else seconds(self.function_timeout)


def read_host_json(root: Path) -> HostJson:
    """The app's host.json; the defaults where there is none.

    Raises:
        HostJsonProblem
    """
    path = root / "host.json"
    if not path.exists():
        return HostJson()
    try:
        read = msgspec.convert(msgspec.json.decode(path.read_bytes()), HostJson, strict=False)
        _check(read)
    except (ValueError, msgspec.MsgspecError) as error:
        raise HostJsonProblem(f"host.json: {error}") from error
    return read


def _check(read: HostJson) -> None:
    queues = read.extensions.queues
    if not 1 <= queues.batch_size <= _MOST_MESSAGES:
        raise ValueError("batchSize must be from 1 to 32")
    if queues.threshold < 0:
        raise ValueError("newBatchThreshold must not be negative")
    if queues.max_dequeue_count < 1:
        raise ValueError("maxDequeueCount must be 1 or more")
    if queues.polling_seconds < _SHORTEST_POLL_SECONDS:
        raise ValueError("maxPollingInterval must be 100 ms or more")
    if queues.visibility_seconds < 0:
        raise ValueError("visibilityTimeout must not be negative")
    if queues.message_encoding.lower() not in ("base64", "none"):
        raise ValueError("messageEncoding must be base64 or none")
    if read.timeout_seconds is not None and not 0 < read.timeout_seconds <= _LONGEST_TIMEOUT_SECONDS:
        raise ValueError("functionTimeout is out of range")
