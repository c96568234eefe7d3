"""emu.chat's identity, played by the desk: keys, tokens, and a page to sign in as an admin or a member."""

import time
import uuid
from html import escape
from urllib.parse import urlsplit

import jwt
from aiohttp import web

from local.microsoft.world import World, new_key

AUDIENCE = "emu.chat"
LIFE_SECONDS = 600
_COOKIE = "emu_session"
_PEOPLE = {
    "alice": ("Alice Admin", "contoso", "Contoso", "admin"),
    "adam": ("Adam Admin", "contoso", "Contoso", "admin"),
    "bob": ("Bob Member", "contoso", "Contoso", "member"),
    "erin": ("Erin Admin", "fabrikam", "Fabrikam", "admin"),
    "frank": ("Frank Member", "fabrikam", "Fabrikam", "member"),
}

_NAMES = {"admin": "Alice Admin", "admin-two": "Adam Admin", "member": "Bob Member"}


def claims_of(world: World, person: str) -> dict[str, object]:
    """The claims of a named person, or of 'admin@workspace', 'admin-two@workspace', 'member@workspace'."""
    if person in _PEOPLE:
        name, workspace, workspace_name, role = _PEOPLE[person]
    else:
        kind, _, workspace = person.partition("@")
        role = "admin" if kind.startswith("admin") else "member"
        name, workspace_name = _NAMES.get(kind, kind.title()), workspace.title()
    now = int(time.time())
    return {
        "iss": f"{world.desk}/identity",
        "aud": AUDIENCE,
        "sub": f"{person}@emu.chat" if person in _PEOPLE else person,
        "name": name,
        "workspace_id": workspace,
        "workspace_name": workspace_name,
        "role": role,
        "iat": now,
        "exp": now + LIFE_SECONDS,
    }


class IdentityRoutes:
    """Keys and tokens of emu.chat's own."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/", self._root)
        app.router.add_get("/identity/jwks", self._jwks)
        app.router.add_get("/identity/token", self._token)
        app.router.add_get("/identity/sign-in", self._page)
        app.router.add_post("/identity/sign-in", self._sign_in)
        app.router.add_get("/identity/sign-out", self._sign_out)
        app.router.add_get("/managed-identity/token", self._managed_identity)
        app.router.add_post("/control/identity/token", self._mint)
        app.router.add_post("/control/identity/rotate", self._rotate)

    async def _root(self, _: web.Request) -> web.Response:
        return web.Response(status=303, headers={"Location": "/identity/sign-in"})

    async def _jwks(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [key.public() for key in self._world.identity_keys]})

    async def _token(self, request: web.Request) -> web.Response:
        """`?person=` is for tests; a browser has its cookie."""
        person = request.query.get("person") or self._world.people.get(request.cookies.get(_COOKIE, ""))
        headers = _cors(request)
        if not person:
            return web.json_response({"signIn": f"{self._world.desk}/identity/sign-in"}, status=401, headers=headers)
        token = self._world.identity_keys[0].sign(claims_of(self._world, person))
        return web.json_response({"token": token, "expiresIn": LIFE_SECONDS}, headers=headers)

    async def _managed_identity(self, request: web.Request) -> web.Response:
        """App Service's own endpoint: a token for the managed identity (`IDENTITY_ENDPOINT`)."""
        now, resource = int(time.time()), request.query.get("resource", "")
        claims: dict[str, object] = {"aud": resource, "iss": "managed-identity", "exp": now + LIFE_SECONDS}
        token = self._world.login_key.sign(claims)
        told = {"access_token": token, "expires_on": str(now + LIFE_SECONDS), "resource": resource}
        return web.json_response({**told, "token_type": "Bearer", "client_id": request.query.get("client_id")})

    async def _mint(self, request: web.Request) -> web.Response:
        """A token that is wrong in some way: other claims, None to leave one out, another algorithm or key."""
        asked = await request.json()
        claims = {**claims_of(self._world, asked.get("person", "alice")), **asked.get("claims", {})}
        claims = {name: value for name, value in claims.items() if value is not None}
        algorithm, key = asked.get("algorithm", "RS256"), self._world.identity_keys[0]
        headers = {"kid": asked.get("kid", key.kid)}
        if algorithm == "none":
            token = jwt.encode(claims, "", algorithm="none", headers=headers)
        elif algorithm == "HS256":
            token = jwt.encode(claims, key.public()["n"].encode(), algorithm="HS256", headers=headers)
        elif asked.get("key") == "foreign":
            foreign = new_key(algorithm)
            token = jwt.encode(claims, foreign.private, algorithm=algorithm, headers=headers)
        else:
            key = next(one for one in self._world.identity_keys if one.algorithm == algorithm)
            token = jwt.encode(claims, key.private, algorithm=algorithm, headers={"kid": asked.get("kid", key.kid)})
        return web.json_response({"token": token})

    async def _rotate(self, _: web.Request) -> web.Response:
        """New keys sign from now on; the old ones are gone."""
        self._world.identity_keys = [new_key("RS256"), new_key("ES256")]
        return web.json_response({})

    async def _page(self, request: web.Request) -> web.Response:
        person = self._world.people.get(request.cookies.get(_COOKIE, ""))
        signed_in = ""
        if person is not None:
            name = escape(str(claims_of(self._world, person)["name"]))
            links = "".join(
                f'<li><a href="{escape(one, quote=True)}">{escape(one)}</a></li>' for one in self._world.portals
            )
            signed_in = f'<p>You are signed in as {name}. <a href="/identity/sign-out">Sign out</a></p><ul>{links}</ul>'
        back = escape(request.query.get("return", ""), quote=True)
        buttons = "".join(
            f'<li><button name="person" value="{person}">{escape(name)}, {role} of {escape(workspace)}</button></li>'
            for person, (name, _, workspace, role) in _PEOPLE.items()
        )
        return _html(
            f'<h1>Sign in to emu.chat</h1>{signed_in}<form method="post">'
            f'<input type="hidden" name="return" value="{back}"><ul>{buttons}</ul></form>'
        )

    async def _sign_in(self, request: web.Request) -> web.Response:
        form = await request.post()
        person, back = str(form.get("person", "")), str(form.get("return", ""))
        if person not in _PEOPLE and "@" not in person:
            return _html("<h1>Nobody of that name</h1>", 400)
        session = uuid.uuid4().hex
        self._world.people[session] = person
        # Only back to this machine: a sign-in page must not send people elsewhere.
        local = urlsplit(back).hostname in ("localhost", "127.0.0.1") and back.startswith(("http://", "https://"))
        response = web.Response(status=303, headers={"Location": back if local else "/identity/sign-in"})
        response.set_cookie(_COOKIE, session, httponly=True, samesite="Lax")
        return response

    async def _sign_out(self, request: web.Request) -> web.Response:
        self._world.people.pop(request.cookies.get(_COOKIE, ""), None)
        response = web.Response(status=303, headers={"Location": "/identity/sign-in"})
        response.del_cookie(_COOKIE)
        return response


def _cors(request: web.Request) -> dict[str, str]:
    origin = request.headers.get("Origin", "")
    if urlsplit(origin).hostname not in ("localhost", "127.0.0.1"):
        return {}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true", "Vary": "Origin"}


def _html(body: str, status: int = 200) -> web.Response:
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    style = (
        "<style>body{font:1rem/1.5 system-ui;max-width:36rem;margin:2rem auto;padding:0 1rem}li{margin:.5rem 0}</style>"
    )
    return web.Response(text=f"{head}<title>emu.chat</title>{style}{body}", status=status, content_type="text/html")
