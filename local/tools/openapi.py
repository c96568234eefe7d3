"""Writes docs/openapi.yaml: the routes of function_app.py, the shapes that the calls are annotated with, and prose.

python -m local.tools.openapi [--check]     --check writes nothing and fails where the file would change
"""

import argparse
import ast
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import yaml

import function_app
from api.answers import Nothing, Problem, Redirect, Taken
from api.csv import Csv
from local.tools.api_prose import ABOUT, PROSE, Parameter
from services import Services

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "openapi.yaml"
_REFERENCE = "#/components/schemas/{name}"
_PAGES = "portal/"
"""Below it are files for browsers, no calls."""
_HEAD = "# Written by `make openapi` from function_app.py, the structs in api/ and local/tools/api_prose.py.\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Write docs/openapi.yaml.")
    parser.add_argument("--check", action="store_true", help="fail where the file would change")
    text = rendered()
    if not parser.parse_args().check:
        DOCUMENT.write_text(text)
    elif DOCUMENT.read_text() != text:
        print("docs/openapi.yaml is not what the code says: run `make openapi`", file=sys.stderr)
        return 1
    return 0


def rendered() -> str:
    """The file's text."""
    return _HEAD + yaml.dump(document(), Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


def document() -> dict[str, Any]:
    """The description as OpenAPI 3.1."""
    calls = {name: _answer(method) for name, method in _methods().items()}
    answers = [shape for _, shape in calls.values() if shape not in (None, Csv)]
    bodies = [prose.body for prose in PROSE.values() if prose.body is not None]
    paths: dict[str, dict[str, Any]] = {}
    for function in function_app.app.get_functions():
        name, trigger = function.get_function_name(), function.get_trigger()
        assert name is not None
        assert trigger is not None
        binding = trigger.get_dict_repr()
        if binding["type"] != "httpTrigger" or binding["route"].startswith(_PAGES):
            continue
        summary = inspect.getdoc(function.get_user_function()) or ""
        told = _operation(name, binding["route"], summary, *calls[name])
        for method in binding["methods"]:
            paths.setdefault(f"/{binding['route']}", {})[str(getattr(method, "value", method)).lower()] = told
    security = {"platformToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    schemas = _schemas(answers, bodies)
    return ABOUT | {"paths": paths, "components": {"securitySchemes": security, "schemas": schemas}}


def _methods() -> dict[str, Any]:
    """The method behind each HTTP trigger, from its one line `return await services().<calls>.<method>(req)`."""
    found = {}
    for node in ast.parse(inspect.getsource(function_app)).body:
        if isinstance(node, ast.AsyncFunctionDef):
            line = re.fullmatch(r"return await services\(\)\.(\w+)\.(\w+)\(req\)", ast.unparse(node.body[-1]))
            if line is not None:
                found[node.name] = getattr(get_type_hints(Services)[line[1]], line[2])
    return found


def _answer(method: Any) -> tuple[HTTPStatus, Any]:
    """The status and the shape that a call's annotation names."""
    kind = get_type_hints(method)["return"]
    if kind in (Nothing, Redirect, Taken):
        return kind.status, None
    if kind is Csv:
        return kind.status, Csv
    if get_args(kind):
        return get_origin(kind).status, get_args(kind)[0]
    return HTTPStatus.OK, None  # The portal's files.


def _operation(name: str, route: str, summary: str, status: HTTPStatus, shape: Any) -> dict[str, Any]:
    prose = PROSE[name]
    told: dict[str, Any] = {"operationId": name, "summary": summary}
    if prose.more:
        told["description"] = prose.more
    if parameters := [*_path_parameters(route), *map(_parameter, prose.parameters)]:
        told["parameters"] = parameters
    if prose.body is not None:
        told["requestBody"] = {"required": True, "content": _content("application/json", prose.body)}
    answer: dict[str, Any] = {"description": prose.answer}
    if shape is Csv:
        answer["content"] = {"text/csv": {"schema": {"type": "string"}}}
    elif shape is not None:
        answer["content"] = _content("application/json", shape)
    problem = {"description": "What went wrong", "content": _content("application/problem+json", Problem)}
    told["responses"] = {str(status.value): answer, "default": problem}
    if prose.anybody:
        told["security"] = []
    return told


def _path_parameters(route: str) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", route):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    told: dict[str, Any] = {"name": parameter.name, "in": parameter.place, "description": parameter.prose}
    if parameter.required:
        told["required"] = True
    return told | {"schema": dict(parameter.schema)}


def _content(kind: str, shape: Any) -> dict[str, Any]:
    return {kind: {"schema": {"$ref": _REFERENCE.format(name=_named(shape.__name__))}}}


def _schemas(answers: list[Any], bodies: list[Any]) -> dict[str, Any]:
    """Every shape under its name. What we answer has all its fields; what is sent may lack those with a default."""
    _, sent = msgspec.json.schema_components(bodies, ref_template=_REFERENCE)
    _, told = msgspec.json.schema_components([Problem, *answers], ref_template=_REFERENCE)
    shapes = {name: _closed(schema, whole=name != "Problem") for name, schema in told.items() if name not in sent}
    shapes |= {name: _closed(schema, whole=False) for name, schema in sent.items()}
    renamed = {_named(name): _with_names(schema) for name, schema in sorted(shapes.items())}
    assert len(renamed) == len(shapes), "two shapes would have one name"
    return renamed


def _closed(schema: Mapping[str, Any], *, whole: bool) -> dict[str, Any]:
    told = {key: value for key, value in schema.items() if key != "title"}
    if "description" in told:
        told["description"] = inspect.cleandoc(told["description"])
    if "properties" not in told:
        return told
    told["additionalProperties"] = False
    if whole:
        told["required"] = list(told["properties"])
        told["properties"] = {
            name: {key: value for key, value in property_.items() if key != "default"}
            for name, property_ in told["properties"].items()
        }
    return told


def _with_names(value: Any) -> Any:
    """The same with every reference to the name that the shape has here."""
    if isinstance(value, dict):
        return {
            key: re.sub(r"[^/]+$", lambda name: _named(name[0]), one) if key == "$ref" else _with_names(one)
            for key, one in value.items()
        }
    return [_with_names(one) for one in value] if isinstance(value, list) else value


def _named(name: str) -> str:
    return name.removesuffix("Shape")


class _Dumper(yaml.SafeDumper):
    """Without anchors: nobody writes them by hand."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


if __name__ == "__main__":
    sys.exit(main())
