"""The function app, loaded and run by Microsoft's own worker library (azure-functions-runtime).

Its indexing checks every function as in Azure, its converters make the arguments, and it runs them on our loop. The
library speaks to the host in protobuf; here plain objects stand in for it (facts/functions.md, addendum).
"""

import os
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from azure_functions_runtime import start_threadpool_executor
from azure_functions_runtime.bindings.datumdef import Datum
from azure_functions_runtime.bindings.meta import load_binding_registry
from azure_functions_runtime.handle_event import _functions
from azure_functions_runtime.loader import index_function_app, process_indexed_function
from azure_functions_runtime.native_invocation import invocation_request_native

from local.host.exporters import export

SCRIPT = "function_app.py"


class AppError(RuntimeError):
    """The app cannot be loaded; the message says why."""


class FunctionFailed(RuntimeError):
    """A function raised; the message is the exception's."""


@dataclass(frozen=True, slots=True)
class Function:
    """An indexed function: its trigger's settings as in function.json."""

    id: str
    name: str
    trigger: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return str(self.trigger["type"])

    async def invoke(self, argument: Datum, metadata: Mapping[str, Datum]) -> Datum | None:
        """Run it with its trigger's argument.

        Raises:
            FunctionFailed
        """
        inputs = [(str(self.trigger["name"]), argument)]
        ok, returned, _, error, _ = await invocation_request_native(str(uuid.uuid4()), self.id, inputs, dict(metadata))
        if not ok:
            raise FunctionFailed(error)
        answer: Datum | None = returned
        return answer


class _BindingInfo(SimpleNamespace):
    out = 1
    inout = 2


_PROTOS = SimpleNamespace(
    BindingInfo=_BindingInfo,
    RpcFunctionMetadata=SimpleNamespace,
    RpcRetryOptions=SimpleNamespace,
)


def load_app(root: Path) -> list[Function]:
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
    return [_function(one, about) for one, about in zip(indexed, metadata, strict=True)]


def _function(indexed: Any, about: Any) -> Function:
    bindings: Sequence[Mapping[str, Any]] = [binding.get_dict_repr() for binding in indexed.get_bindings()]
    trigger = next(binding for binding in bindings if str(binding["type"]).endswith("Trigger"))
    return Function(about.function_id, about.name, trigger)
