"""The function app, loaded and run by Microsoft's own worker library (azure-functions-runtime); in the worker alone.

Its indexing checks every function as in Azure, its converters make the arguments, and it runs them on our loop. The
library speaks to the host in protobuf; here plain objects stand in for it (docs/facts/functions.md, addendum).
"""

import json
import os
import sys
import uuid
from collections.abc import Sequence
from http.cookies import SimpleCookie
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
from azure_functions_runtime import start_threadpool_executor
from azure_functions_runtime.bindings.datumdef import Datum
from azure_functions_runtime.bindings.meta import load_binding_registry
from azure_functions_runtime.handle_event import _functions
from azure_functions_runtime.loader import index_function_app, process_indexed_function
from azure_functions_runtime.native_invocation import invocation_request_native

from local.host.exporters import export
from local.host.wire import Call, Ended, Function, HttpAnswer, HttpCall, Invocation, QueueCall

SCRIPT = "function_app.py"


class AppError(RuntimeError):
    """The app cannot be loaded; the message says why."""


class App:
    """A loaded app."""

    def __init__(self, functions: Sequence[Function], ids: dict[str, str]) -> None:
        self.functions = functions
        self._ids = ids

    async def run(self, asked: Invocation) -> Ended:
        """Run a function to its end, whatever that is."""
        trigger = next(one.trigger for one in self.functions if one.name == asked.function)
        argument, metadata = _argument(asked.call)
        inputs = [(str(trigger["name"]), argument)]
        ok, returned, _, error, _ = await invocation_request_native(
            str(uuid.uuid4()), self._ids[asked.function], inputs, metadata
        )
        return Ended(asked.id, _answer(returned)) if ok else Ended(asked.id, error=error or "failed")


class _BindingInfo(SimpleNamespace):
    out = 1
    inout = 2


_PROTOS = SimpleNamespace(
    BindingInfo=_BindingInfo,
    RpcFunctionMetadata=SimpleNamespace,
    RpcRetryOptions=SimpleNamespace,
)


def load_app(root: Path) -> App:
    """Index the app in a folder, as the worker does at its start. Once a process: the folder becomes the current one.

    Raises:
        AppError
    """
    if not (root / SCRIPT).exists():
        raise AppError(f"there is no {SCRIPT} in {root}")
    os.chdir(root)
    sys.path.insert(0, str(root))
    export(os.environ)
    load_binding_registry()
    start_threadpool_executor()
    try:
        indexed = index_function_app(SCRIPT)
        metadata, _ = process_indexed_function(_PROTOS, _functions, indexed, str(root))
    except Exception as error:
        raise AppError(f"the app cannot be loaded: {type(error).__name__}: {error}") from error
    functions = [Function(about.name, _trigger(one)) for one, about in zip(indexed, metadata, strict=True)]
    return App(functions, {about.name: about.function_id for about in metadata})


def _trigger(indexed: Any) -> dict[str, Any]:
    """The trigger's settings as plain values: methods and levels are members of an enumeration before."""
    bindings = [binding.get_dict_repr() for binding in indexed.get_bindings()]
    trigger = next(binding for binding in bindings if str(binding["type"]).endswith("Trigger"))
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(trigger))
    return plain


def _argument(call: Call) -> tuple[Datum, dict[str, Datum]]:
    """The trigger's argument and its metadata, as the library's converters take them."""
    if isinstance(call, HttpCall):
        parts = {"method": _text(call.method), "url": _text(call.url), "body": Datum(call.body, "bytes")}
        maps = {"headers": call.headers, "params": call.params, "query": call.query}
        texts = {part: {name: _text(value) for name, value in values.items()} for part, values in maps.items()}
        return Datum({**parts, **texts}, "http"), {}
    if isinstance(call, QueueCall):
        return Datum(call.body, "bytes"), {
            "Id": _text(call.id),
            "DequeueCount": Datum(str(call.dequeue_count), "json"),
            "PopReceipt": _text(call.pop_receipt),
            "InsertionTime": Datum(json.dumps(call.inserted), "json"),
        }
    told = {"Schedule": {"AdjustForDST": False}, "ScheduleStatus": None, "IsPastDue": call.past_due}
    return Datum(json.dumps(told), "json"), {}


def _text(value: str) -> Datum:
    return Datum(value, "string")


def _answer(returned: Datum | None) -> HttpAnswer | str | None:
    if returned is None:
        return None
    if returned.type != "http":
        return str(returned.value)
    parts = returned.value
    cookies: Sequence[SimpleCookie] = parts.get("cookies") or ()
    return HttpAnswer(
        int(parts["status_code"].value),
        {name: value.value for name, value in parts["headers"].items()},
        [morsel.OutputString() for cookie in cookies for morsel in cookie.values()],
        parts["body"].value,
    )
