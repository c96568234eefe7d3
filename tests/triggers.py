"""What function_app.py declares, as the worker indexes it."""

import functools
from typing import Any

import function_app


@functools.cache
def triggers() -> dict[str, dict[str, Any]]:
    """Each function's trigger by name. The library gives its functions once a process."""
    return {one.get_function_name(): one.get_trigger().get_dict_repr() for one in function_app.app.get_functions()}
