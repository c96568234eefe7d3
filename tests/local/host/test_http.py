"""Requests and answers through the host (docs/facts/functions.md 11, HTTP)."""

import gzip
import json
import shutil
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from local.host.process import start_host

LIMIT = 1_048_576


@pytest.fixture(scope="module")
def web(azurite, tmp_path_factory):
    """A host with the app of `web/`, shared: its functions keep nothing."""
    folder = tmp_path_factory.mktemp("web")
    shutil.copy(Path(__file__).parent / "web" / "function_app.py", folder)
    (folder / "host.json").write_text('{"extensions": {"http": {"routePrefix": ""}}}')
    settings = {
        "AzureWebJobsStorage": azurite.connection_string("account1481"),
        "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": str(LIMIT),
    }
    host = start_host(settings, folder / "log", root=folder)
    yield host
    host.stop()


@pytest.fixture
def get(web):
    """Send a raw request target; status and what the function saw."""

    def send(target, method="GET", headers=(), body=b"", line="HTTP/1.1"):
        told = [f"{method} {target} {line}", "Host: localhost", *(f"{name}: {value}" for name, value in headers)]
        head = "\r\n".join([*told, "Connection: close", "", ""]).encode("utf-8")
        answer = exchange(web.url, head + body)
        start, _, rest = answer.partition(b"\r\n\r\n")
        status = int(start.split()[1])
        if b"chunked" in start.lower():
            rest = unchunked(rest)
        return status, (json.loads(rest) if status == 200 and rest.startswith(b"{") else rest)

    return send


def exchange(url, data):
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=20) as connection:
        connection.sendall(data)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


def unchunked(body):
    whole = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        if (length := int(size, 16)) == 0:
            return whole
        whole += body[:length]
        body = body[length + 2 :]


@pytest.mark.parametrize(
    ("method", "target"),
    [("PUT", "/items/1"), ("HEAD", "/items/1"), ("OPTIONS", "/items/1"), ("GET", "/nothing"), ("GET", "//items/1")],
)
def test_a_wrong_method_or_path_is_404_and_empty(get, method, target):
    """'Wrong method, HEAD, OPTIONS, unknown: 404, empty.' and '`//` is not'."""
    assert get(target, method) == (404, b"")


@pytest.mark.parametrize("target", ["/items/1", "/ITEMS/1", "/items/1/"])
def test_paths_are_compared_without_case_and_may_end_with_a_slash(get, target):
    """'Paths are case-insensitive, a trailing slash is accepted'."""
    status, told = get(target)

    assert (status, told["name"], told["params"]) == (200, "items", {"id": "1"})


@pytest.mark.parametrize(
    ("target", "params"),
    [("/pages/a/b.css", {"path": "a/b.css"}), ("/pages/", {}), ("/pages", {})],
)
def test_a_catch_all_takes_the_empty_rest_too(get, target, params):
    """'`{*path}` matches the empty rest too.'"""
    status, told = get(target)

    assert (status, told["name"], told["params"]) == (200, "pages", params)


def test_the_alphabet_decides_between_overlapping_routes(get):
    """'Priority between overlapping routes is the function names' alphabet, not literal before parameter.'"""
    assert get("/order/literal")[1]["name"] == "a_parameter"


def test_the_first_name_wins_where_two_have_the_same_route(get, web):
    """'The same route and method twice: the first name wins, the other is 'in error' in the log.'"""
    assert get("/twice")[1]["name"] == "twice_one"
    assert "The 'twice_two' function is in error" in web.log.read_text()


def test_the_host_s_own_paths_are_not_the_app_s(get):
    """'`admin/…` and `runtime/…` are not ours.'"""
    assert get("/admin/mine") == (404, b"")


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("/items/a%2Fb", "a%2Fb"),
        ("/items/a%2fb%20c", "a%2fb c"),
        ("/items/%41%C3%A4%25", "Aä%"),
        ("/items/%2541", "%41"),
        ("/items/%FFx", "%FFx"),
        ("/other/../items/1", "1"),
        ("/other/%2e%2E/items/./1", "1"),
        ("/items/%252e%252e", "%2e%2e"),
        ("/items/a+b", "a+b"),
    ],
)
def test_paths_are_decoded_once_and_dots_are_resolved_before_routing(get, target, found):
    """'`%2F` stays encoded, everything else is decoded once; `..` and `%2e%2e` are resolved before routing; […] `%FF`
    stays `%FF`.'
    """
    assert get(target)[1]["params"] == {"id": found}


@pytest.mark.parametrize("target", ["/items/%00", "/items/ä", "/items/a b"])
def test_paths_that_are_refused(get, target):
    """'`%00`, raw non-ASCII bytes, raw space: 400'."""
    assert get(target)[0] == 400


@pytest.mark.parametrize("target", ["/items/" + "x" * 8200, "/items/1?q=" + "x" * 8200])
def test_a_long_target_is_414(get, target):
    """'Path or query beyond about 8,150 characters: 414.'"""
    assert get(target)[0] == 414
    assert get(target[:8100])[0] == 200


@pytest.mark.parametrize("headers", [[("X", "x" * 33_000)], [(f"X-{number}", "x") for number in range(101)]])
def test_many_or_long_headers_are_431(get, headers):
    """'Headers beyond 32 kB or 100: 431.'"""
    assert get("/items/1", headers=headers)[0] == 431


def test_thirty_kilobytes_of_headers_arrive(get):
    assert get("/items/1", headers=[("X", "x" * 30_000)])[0] == 200


def test_query_parameters_as_they_arrive(get):
    """'Query: `a=` and `a` are absent, `a=1&a=2` is `1,2`, names are case-insensitive.'"""
    assert get("/items/1?a=1&a=2&B=1&b=2&c=&d&e=x+y%20z")[1]["query"] == {"a": "1,2", "B": "1,2", "e": "x y z"}


def test_headers_as_they_arrive(get):
    """'Duplicate headers are joined by a comma. Header names in small letters.'"""
    assert get("/items/1", headers=[("X-One", "a"), ("x-one", "b")])[1]["headers"]["x-one"] == "a,b"


def test_the_address_is_told_as_it_was_called(get):
    assert get("/x/../items/a%2Fb?q=%20")[1]["url"] == "http://localhost/items/a%2Fb?q=%20"


def test_a_chunked_body_arrives_empty(web):
    """'A chunked body arrives empty'."""
    told = httpx.post(f"{web.url}/items/1", content=iter([b"some", b"thing"])).json()

    assert (told["method"], told["body"]) == ("POST", "")


def test_a_compressed_body_arrives_as_it_is(web):
    """'a gzip body arrives as it is'."""
    packed = gzip.compress(b"something")
    told = httpx.post(f"{web.url}/items/1", content=packed, headers={"Content-Encoding": "gzip"}).json()

    assert told["body"].encode("latin-1") == packed


def test_a_body_is_read_for_every_method(web):
    """'The body is read whole before the function, for every method'."""
    assert httpx.request("GET", f"{web.url}/items/1", content=b"unusual").json()["body"] == "unusual"


def test_the_body_limit_is_inclusive_and_refuses_at_once(web, get):
    """'`FUNCTIONS_REQUEST_BODY_SIZE_LIMIT=1048576`: refused (500, empty) within 0.1 s'; 'inclusive'."""
    assert httpx.post(f"{web.url}/items/1", content=b"x" * LIMIT, timeout=30).status_code == 200

    # The body does not follow: the answer does not wait for it.
    assert get("/items/1", "POST", headers=[("Content-Length", LIMIT + 1)]) == (500, b"")


def test_a_body_at_a_byte_a_second_is_500(web):
    """'A body at 1 B/s: 500 after 6 s (Kestrel's minimum is 240 B/s).'"""
    place = urlsplit(web.url)
    with socket.create_connection((place.hostname, place.port), timeout=20) as connection:
        began = time.monotonic()
        connection.sendall(b"POST /items/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx")
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 500")
    assert 5 < time.monotonic() - began < 15


def say(web, **told):
    return httpx.post(f"{web.url}/say", json=told)


def test_answers_are_chunked_except_empty_ones(web):
    """'Answers are chunked, except empty ones.'"""
    full, empty = say(web, body="something"), say(web)

    assert (full.content, full.headers["Transfer-Encoding"]) == (b"something", "chunked")
    assert "Content-Length" not in full.headers
    assert (empty.content, empty.headers["Content-Length"]) == (b"", "0")


@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_lose_their_body(web, status):
    """'204 and 304 lose their body.'"""
    answer = say(web, status=status, body="something")

    assert (answer.status_code, answer.content) == (status, b"")


@pytest.mark.parametrize(
    "told",
    [{"raise": True}, {"nothing": True}, {"headers": {"X": "a\nb"}}, {"headers": {"X": "ä"}, "body": "something"}],
)
def test_what_is_answered_with_500_and_nothing(web, told):
    """'Exception, None, a header with a newline or a non-ASCII character: 500, empty.'"""
    answer = say(web, **told)

    assert (answer.status_code, answer.content) == (500, b"")


def test_text_that_is_json_is_not_what_was_answered(web):
    """'A `str` body that is JSON is reformatted, and one that looks like `{"status":…,"body":…}` becomes the
    response'.
    """
    reformatted = httpx.post(f"{web.url}/text", content=b'{"a":1}')
    response = httpx.post(f"{web.url}/text", content=b'{"status":418,"body":"tea"}')
    plain = httpx.post(f"{web.url}/text", content=b"no json")

    assert (reformatted.content != b'{"a":1}', reformatted.json()) == (True, {"a": 1})
    assert (response.status_code, response.text) == (418, "tea")
    assert plain.text == "no json"


def test_cookies_are_kept_apart(web):
    """'Cookies are rewritten.'"""
    answer = say(web, headers={"Set-Cookie": "a=1; Path=/; HttpOnly"})

    assert answer.headers.get_list("Set-Cookie") == ["a=1; HttpOnly; Path=/"]


def test_the_root_is_the_host_s_own_page(web):
    """'`/` is the host's own page (149,794 B) unless `AzureWebJobsDisableHomepage=true`' (here it is shorter)."""
    answer = httpx.get(web.url)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")


def test_the_root_leads_to_the_app_s_page_where_it_has_one(jobs):
    host = jobs.start(PORTAL_URL="http://localhost:1/api/portal/?a&b")

    assert 'href="http://localhost:1/api/portal/?a&amp;b"' in httpx.get(host.url).text


def test_the_root_is_empty_where_the_page_is_switched_off(jobs):
    """'unless `AzureWebJobsDisableHomepage=true`'; section 3: 'gives 204'."""
    host = jobs.start(AzureWebJobsDisableHomepage="true")

    answer = httpx.get(host.url)

    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("path", ["/admin/host/ping", "/admin/warmup"])
def test_some_of_the_host_s_paths_answer_anybody(web, path):
    """'`/admin/host/ping` and `/admin/warmup` answer anybody.'"""
    assert httpx.get(f"{web.url}{path}").status_code == 200


def test_a_function_goes_on_when_its_client_has_gone(jobs):
    """'Client gone: the function is not cancelled.'"""
    jobs.start()
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{jobs.url}/api/do", json={"name": "left", "hold": True}, timeout=0.5)
    jobs.wait_for("begin", "left")

    jobs.release("left")

    jobs.wait_for("end", "left")
    assert jobs.notes("cancelled") == []
