"""Which routes the host takes (docs/facts/functions.md 11, HTTP). What it does with them: test_http.py."""

import httpx
import pytest

from local.host.routes import RouteProblem, read_routes
from local.host.wire import Function


def routes(prefix="api", **templates):
    functions = [Function(name, {"type": "httpTrigger", "route": route}) for name, route in templates.items()]
    return read_routes(functions, prefix)


@pytest.mark.parametrize(
    "route", ["/lead/x", "{b", "b}", "{id}/{id}", "{id}/{ID}", "{*p}/more", "b?c", "{id:nonsense}", "a//b", "{a}{b}"]
)
def test_routes_that_turn_the_whole_app_off(route):
    """'One invalid route (`/lead/x`, `{b`, `{id}/{id}`, `{*p}/more`, `b?c`, `{id:nonsense}`): the whole app
    answers 503.'
    """
    with pytest.raises(RouteProblem, match="of 'two'"):
        routes(one="good", two=route)


def test_an_app_with_such_a_route_answers_503_to_everything(jobs):
    """'the whole app answers 503'."""
    text = (jobs.folder / "function_app.py").read_text()
    (jobs.folder / "function_app.py").write_text(text.replace('@app.route("where"', '@app.route("{id}/{id}"'))
    jobs.start()

    assert jobs.post(name="request").status_code == 503
    assert httpx.get(f"{jobs.url}/").status_code == 503


@pytest.mark.parametrize(
    ("route", "path", "parameters"),
    [
        ("a/{id:int}", "/api/a/12", {"id": "12"}),
        ("a/{id:int}", "/api/a/x", None),
        (
            "a/{id:guid}/b",
            "/api/a/00000000-0000-4000-8000-000000000000/B",
            {"id": "00000000-0000-4000-8000-000000000000"},
        ),
        ("a/{id?}", "/api/a", {}),
        ("a/{id?}", "/api/a/1", {"id": "1"}),
        ("a/{name}.csv", "/api/a/list.csv", {"name": "list"}),
        ("a/{id}", "/api/a/1/2", None),
        ("a/{id}", "/api/a", None),
        ("", "/api/one", {}),
    ],
)
def test_templates(route, path, parameters):
    found = routes(one=route).find("GET", path)

    assert (found and found[1]) == parameters


def test_a_function_without_methods_has_all():
    assert routes(one="a").find("PATCH", "/api/a")


def test_the_same_route_with_other_methods_is_no_error():
    functions = [
        Function("one", {"type": "httpTrigger", "route": "a", "methods": ["GET"]}),
        Function("two", {"type": "httpTrigger", "route": "a", "methods": ["POST"]}),
    ]

    found = read_routes(functions, "api")

    assert found.in_error == {}
    assert found.find("POST", "/api/a")[0].name == "two"
