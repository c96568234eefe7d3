"""Which function a request is for, as the real host decides it (pure; docs/facts/functions.md 11, HTTP)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from local.host.wire import Function

_ALL_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_HOSTS_OWN = ("admin", "runtime")
_PARAMETER = re.compile(r"\{(\*{0,2})([^{}*?:=/]+)((?::[^{}:=?]+)*)(\?)?\}")


class RouteProblem(ValueError):
    """A route that the real host refuses: then the whole app answers 503."""


@dataclass(frozen=True, slots=True)
class Route:
    """A function's template, read. `parameters` are names and constraints in the order of the pattern's groups."""

    function: Function
    template: str
    methods: frozenset[str]
    pattern: re.Pattern[str]
    parameters: Sequence[tuple[str, Sequence[str]]]

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters of a decoded path; None where it does not fit. An empty catch-all has no parameter."""
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        values = {}
        for (name, constraints), value in zip(self.parameters, found.groups(), strict=True):
            if not value:
                continue
            if not all(_CONSTRAINTS[one](value) for one in constraints):
                return None
            values[name] = value
        return values


@dataclass(frozen=True, slots=True)
class Routes:
    """All routes, in the order in which they are tried. `in_error` says why a function gets no request."""

    routes: Sequence[Route]
    in_error: Mapping[str, str]

    def find(self, method: str, path: str) -> tuple[Function, dict[str, str]] | None:
        """The function for a request, and its parameters."""
        for route in self.routes:
            if method in route.methods and (parameters := route.match(path)) is not None:
                return route.function, parameters
        return None


def read_routes(functions: Sequence[Function], prefix: str) -> Routes:
    """The routes of HTTP functions. The alphabet of their names is their priority.

    Raises:
        RouteProblem
    """
    taken: dict[tuple[str, str], str] = {}
    routes, in_error = [], {}
    for function in sorted(functions, key=lambda one: one.name):
        route = _read(function, prefix)
        top = route.template.partition("/")[0].lower()
        wanted = [(route.template.lower(), method) for method in route.methods]
        earlier = [taken[one] for one in wanted if one in taken]
        if top in _HOSTS_OWN:
            in_error[function.name] = f"the route '{route.template}' is the host's own"
        elif earlier:
            in_error[function.name] = f"the route '{route.template}' is that of '{earlier[0]}'"
        else:
            taken |= dict.fromkeys(wanted, function.name)
            routes.append(route)
    return Routes(routes, in_error)


def template_of(function: Function, prefix: str) -> str:
    """The route as the app wrote it, under the prefix; without a slash before it."""
    route = str(function.trigger.get("route") or function.name)
    return f"{prefix.strip('/')}/{route}" if prefix.strip("/") else route


def methods_of(function: Function) -> list[str]:
    return [str(method).upper() for method in function.trigger.get("methods") or _ALL_METHODS]


def _read(function: Function, prefix: str) -> Route:
    route = str(function.trigger.get("route") or function.name)
    template = template_of(function, prefix)
    parameters: list[tuple[str, Sequence[str]]] = []
    segments = template.removesuffix("/").split("/")
    pattern = ""
    try:
        if route.startswith(("/", "~")):
            raise RouteProblem("it must not begin with a slash")
        for place, segment in enumerate(segments):
            pattern += _segment(segment, parameters, last=place == len(segments) - 1)
    except RouteProblem as error:
        raise RouteProblem(f"the route '{route}' of '{function.name}' cannot be used: {error}") from None
    names = [name.lower() for name, _ in parameters]
    if len(set(names)) < len(names):
        raise RouteProblem(f"the route '{route}' of '{function.name}' has a parameter twice")
    # Paths are compared without case, and may end with one slash.
    compiled = re.compile(f"{pattern}/?", re.IGNORECASE | re.DOTALL)
    return Route(function, template, frozenset(methods_of(function)), compiled, parameters)


def _segment(text: str, parameters: list[tuple[str, Sequence[str]]], *, last: bool) -> str:
    """The pattern of a segment, with the slash before it; its parameters are added to the list."""
    if not text:
        raise RouteProblem("it has an empty segment")
    pattern, end, optional, before = "", 0, False, "literal"
    for found in _PARAMETER.finditer(text):
        star, name, constraints, question = found.groups()
        literal = text[end : found.start()]
        if before == "parameter" and not literal:
            raise RouteProblem("two parameters touch")
        if (star or question) and (found.group() != text or not last):
            raise RouteProblem("a catch-all or an optional parameter must be the whole of the last segment")
        wanted = [one for one in constraints.split(":") if one]
        if unknown := [one for one in wanted if one not in _CONSTRAINTS]:
            raise RouteProblem(f"the constraint '{unknown[0]}' is not known")
        parameters.append((name, wanted))
        pattern += _literal(literal) + ("(.*)" if star else "([^/]+)")
        optional = optional or bool(star or question)
        end, before = found.end(), "parameter"
    pattern += _literal(text[end:])
    return f"(?:/{pattern})?" if optional else f"/{pattern}"


def _literal(text: str) -> str:
    if set(text) & set("{}?"):
        raise RouteProblem("a brace is not closed, or there is a question mark")
    return re.escape(text)


def _parses(read: Callable[[str], object]) -> Callable[[str], bool]:
    def fits(value: str) -> bool:
        try:
            read(value)
        except ValueError:
            return False
        return True

    return fits


_CONSTRAINTS: Mapping[str, Callable[[str], bool]] = {
    "alpha": lambda value: value.isascii() and value.isalpha(),
    "bool": lambda value: value.lower() in ("true", "false"),
    "double": _parses(float),
    "float": _parses(float),
    "guid": _parses(UUID),
    "int": _parses(int),
    "long": _parses(int),
    "required": bool,
}
"""Those without an argument. One with an argument, as `length(3)`, is refused here, unlike on the real host."""
