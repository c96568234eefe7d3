"""An app whose functions answer with what they got, or with what they are told to. Its host.json has no prefix."""

import json

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def echo(name, req, body=None):
    told = {
        "name": name,
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "params": dict(req.route_params),
        "query": dict(req.params),
        "body": (req.get_body() if body is None else body).decode("latin-1"),
    }
    return func.HttpResponse(json.dumps(told).encode(), mimetype="application/json")


@app.route("items/{id}", methods=["GET", "POST"])
async def items(req: func.HttpRequest) -> func.HttpResponse:
    return echo("items", req)


@app.route("pages/{*path}", methods=["GET"])
async def pages(req: func.HttpRequest) -> func.HttpResponse:
    return echo("pages", req)


@app.route("order/{anything}", methods=["GET"])
async def a_parameter(req: func.HttpRequest) -> func.HttpResponse:
    return echo("a_parameter", req)


@app.route("order/literal", methods=["GET"])
async def b_literal(req: func.HttpRequest) -> func.HttpResponse:
    return echo("b_literal", req)


@app.route("twice", methods=["GET"])
async def twice_one(req: func.HttpRequest) -> func.HttpResponse:
    return echo("twice_one", req)


@app.route("Twice", methods=["GET"])
async def twice_two(req: func.HttpRequest) -> func.HttpResponse:
    return echo("twice_two", req)


@app.route("admin/mine", methods=["GET"])
async def on_hosts_ground(req: func.HttpRequest) -> func.HttpResponse:
    return echo("on_hosts_ground", req)


@app.route("say", methods=["POST"])
async def say(req: func.HttpRequest) -> func.HttpResponse:
    """Answer as the body says: status, headers, body."""
    told = req.get_json()
    if told.get("raise"):
        raise RuntimeError("told to fail")
    if told.get("nothing"):
        return None
    body = told.get("body", "").encode()
    return func.HttpResponse(body, status_code=told.get("status", 200), headers=told.get("headers"))


@app.route("text", methods=["POST"])
async def text(req: func.HttpRequest) -> str:
    """Answer with the body, as text."""
    return req.get_body().decode()
