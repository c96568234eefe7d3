"""Entra's login with a person: sign-in, admin consent, and the authorization code (facts/graph.md 5)."""

import time
import uuid
from html import escape
from urllib.parse import urlencode

from aiohttp import web

from local.microsoft.consent import Leg, Refusal, next_refusal
from local.microsoft.sign_in_codes import sign_in_code
from local.microsoft.world import CLIENT_ID, Account, AuthorizationCode, Session, World, accounts_of

_COOKIE = "entra_session"
_CODE_SECONDS = 300
_LEAST_MAX_AGE_SECONDS = 5
_STYLE = (
    "body{font:1rem/1.5 system-ui;max-width:30rem;margin:2rem auto;padding:0 1rem}"
    "input{width:100%;box-sizing:border-box;padding:.5rem;font:inherit}"
    "button{padding:.5rem 1rem;margin:1rem .5rem 0 0;font:inherit}"
)


class SignInRoutes:
    """The pages that a person clicks through; plain forms, so that a test can drive them as well."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/{tenant}/v2.0/adminconsent", self._admin_consent)
        app.router.add_get("/{tenant}/oauth2/v2.0/authorize", self._authorize)
        app.router.add_post("/local/sign-in", self._sign_in)
        app.router.add_post("/local/consent", self._decide)

    async def _admin_consent(self, request: web.Request) -> web.Response:
        query = request.query
        if query.get("client_id") != CLIENT_ID or query.get("redirect_uri") not in self._world.redirect_uris:
            return _page(
                "Sign-in error", "<p>AADSTS50011: the application or its redirect URI is not registered.</p>", 400
            )
        account = self._signed_in(request)
        if account is None:
            return self._sign_in_page(request.path_qs, request.match_info["tenant"])
        tenant = self._world.tenants[account.tenant_id]
        hidden = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(query.get(name, ""), quote=True)}">'
            for name in ("redirect_uri", "state", "scope")
        )
        switch = f"<p>Signed in as {escape(account.user_name)}. {_switch(request.path_qs)}</p>"
        if not account.may_consent:
            text = "<p>emu.chat needs permission that only an administrator can grant.</p>"
            button = '<button name="decision" value="back">Return to the application without granting consent</button>'
            return _page(
                "Need admin approval",
                f'{switch}{text}<form method="post" action="/local/consent">{hidden}{button}</form>',
            )
        permission = "<ul><li>Read all users' full profiles</li></ul>"
        asks = f"<p>emu.chat would like to, for all of {escape(tenant.name)}:</p>{permission}"
        buttons = "".join(
            f'<button name="decision" value="{one.lower()}">{one}</button>' for one in ("Accept", "Cancel")
        )
        return _page(
            "Permissions requested",
            f'{switch}{asks}<form method="post" action="/local/consent">{hidden}{buttons}</form>',
        )

    async def _decide(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        account = self._signed_in(request)
        if account is None or form.get("redirect_uri") not in self._world.redirect_uris:
            return _page("Sign-in error", "<p>Start again from emu.chat.</p>", 400)
        told = {"admin_consent": "True", "state": form.get("state", "")}
        refusal = next_refusal(self._world.tenants[account.tenant_id].refusals, Leg.CONSENT)
        if refusal is not None:
            told |= _told_of(refusal)
        elif form.get("decision") == "accept" and account.may_consent:
            consent = self._world.tenants[account.tenant_id].consent
            consent.given = True
            told |= {"tenant": account.tenant_id, "scope": form.get("scope", "")}
        elif form.get("decision") == "cancel":
            text = "AADSTS65004: User declined to consent to access the app."
            told |= {"error": "access_denied", "error_subcode": "cancel", "error_description": text}
        else:
            text = "AADSTS90094: An administrator of the organization must grant the permission."
            told |= {"error": "consent_required", "error_description": text}
        return _redirect(form["redirect_uri"], told)

    async def _authorize(self, request: web.Request) -> web.Response:
        query = request.query
        redirect_uri = query.get("redirect_uri", "")
        if query.get("client_id") != CLIENT_ID or redirect_uri not in self._world.redirect_uris:
            return _page(
                "Sign-in error", "<p>AADSTS50011: the application or its redirect URI is not registered.</p>", 400
            )
        tenant = self._world.tenant(request.match_info["tenant"])
        if tenant is None:
            return _page("Sign-in error", "<p>AADSTS90002: there is no such tenant.</p>", 400)
        session = self._session(request)
        account = session.account if session is not None else None
        if account is not None and account.tenant_id != tenant.id and query.get("prompt") != "none":
            text = f"<p>AADSTS50020: {escape(account.user_name)} does not exist in this tenant.</p>"
            return _page("Sign-in error", f"{text}<p>{_switch(request.path_qs)}</p>", 400)
        if session is None or session.account.tenant_id != tenant.id or _too_old(session, query.get("max_age", "")):
            if query.get("prompt") == "none":
                text = "AADSTS50058: a silent sign-in was asked for, but nobody is signed in."
                told = {"error": "login_required", "error_description": text, "state": query.get("state", "")}
                return _redirect(redirect_uri, told)
            return self._sign_in_page(request.path_qs, tenant.id)
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            told = {"error": "invalid_request", "error_description": "AADSTS9002325: PKCE is required."}
            return _redirect(redirect_uri, told | {"state": query.get("state", "")})
        if (refusal := next_refusal(tenant.refusals, Leg.SIGN_IN)) is not None:
            return _redirect(redirect_uri, _told_of(refusal) | {"state": query.get("state", "")})
        code = uuid.uuid4().hex
        self._world.codes[code] = AuthorizationCode(
            session, redirect_uri, query.get("nonce", ""), query.get("code_challenge", ""), time.time() + _CODE_SECONDS
        )
        return _redirect(
            redirect_uri, {"code": code, "state": query.get("state", ""), "session_state": uuid.uuid4().hex}
        )

    async def _sign_in(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        onward = form.get("next", "/")
        account = self._world.account(form.get("account", ""))
        if not onward.startswith("/") or onward.startswith("//"):
            return _page("Sign-in error", "<p>Start again from emu.chat.</p>", 400)
        if form.get("switch"):
            response: web.Response = self._sign_in_page(onward, "organizations")
            response.del_cookie(_COOKIE)
            return response
        if account is None:
            return self._sign_in_page(onward, "organizations", "AADSTS50034: there is no account of that name.")
        session = uuid.uuid4().hex
        self._world.sessions[session] = Session(account, time.time())
        response = web.Response(status=303, headers={"Location": onward})
        response.set_cookie(_COOKIE, session, httponly=True, secure=True, samesite="Lax")
        return response

    def _signed_in(self, request: web.Request) -> Account | None:
        session = self._session(request)
        return session.account if session is not None else None

    def _session(self, request: web.Request) -> Session | None:
        return self._world.sessions.get(request.cookies.get(_COOKIE, ""))

    def _sign_in_page(self, onward: str, tenant_name: str, problem: str = "") -> web.Response:
        tenant = self._world.tenant(tenant_name) or next(iter(self._world.tenants.values()))
        known = accounts_of(tenant)
        accounts = "".join(f"<li><code>{escape(one.user_name)}</code>, {escape(one.name)}</li>" for one in known)
        alert = f'<p role="alert">{escape(problem)}</p>' if problem else ""
        return _page(
            "Sign in",
            f'{alert}<form method="post" action="/local/sign-in">'
            f'<input type="hidden" name="next" value="{escape(onward, quote=True)}">'
            f'<label for="account">Account</label>'
            f'<input id="account" name="account" value="{known[0].user_name}" required>'
            f"<button>Sign in</button></form><p>Accounts of {escape(tenant.name)}:</p><ul>{accounts}</ul>",
        )


def _too_old(session: Session, max_age: str) -> bool:
    """Whether the person signed in longer ago than the app's `max_age`, in seconds, allows."""
    # Less than a few seconds would ask again after each sign-in, for ever.
    return max_age.isdecimal() and time.time() - session.since > max(int(max_age), _LEAST_MAX_AGE_SECONDS)


def _told_of(refusal: Refusal) -> dict[str, str]:
    told = {"error": refusal.error}
    if refusal.subcode:
        told["error_subcode"] = refusal.subcode
    if refusal.code:
        told["error_description"] = f"AADSTS{refusal.code}: {sign_in_code(refusal.code).text}"
    return told


def _switch(onward: str) -> str:
    return (
        f'<form method="post" action="/local/sign-in">'
        f'<input type="hidden" name="next" value="{escape(onward, quote=True)}">'
        '<button name="switch" value="1">Use another account</button></form>'
    )


def _redirect(address: str, parameters: dict[str, str]) -> web.Response:
    return web.Response(status=302, headers={"Location": f"{address}?{urlencode(parameters)}"})


def _page(title: str, body: str, status: int = 200) -> web.Response:
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    text = f"{head}<title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>{body}"
    return web.Response(text=text, status=status, content_type="text/html")
