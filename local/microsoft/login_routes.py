"""Entra's login without a person: discovery, keys, and the token endpoint (facts/graph.md 5, 6)."""

import base64
import hashlib
import time
import uuid
from datetime import UTC, datetime

import jwt
from aiohttp import web

from local.microsoft.consent import Lost
from local.microsoft.faults import Kind, Operation, next_fault
from local.microsoft.sign_in_codes import sign_in_code
from local.microsoft.tenant import Tenant
from local.microsoft.world import CLIENT_ID, CLIENT_SECRET, ORDINARY_USER, AuthorizationCode, World, new_key

_AT_THE_TOKEN = frozenset(
    {Lost.APP_NOT_FOUND, Lost.NO_SERVICE_PRINCIPAL, Lost.DISABLED, Lost.TENANT_GONE, Lost.INACTIVE}
)
_ROLES = ("User.Read.All",)


class LoginRefusal(Exception):
    """An answer in Entra's error shape."""

    def __init__(self, number: str, text: str, error: str = "invalid_client", status: int = 401) -> None:
        super().__init__(text)
        self.number, self.text, self.error, self.status = number, text, error, status


class LoginRoutes:
    """Discovery documents and tokens."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", self._configuration)
        app.router.add_get("/{tenant}/discovery/v2.0/keys", self._keys)
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)

    async def _configuration(self, request: web.Request) -> web.Response:
        name = request.match_info["tenant"]
        tenant = self._world.tenant(name)
        if tenant is None and name not in ("organizations", "common"):
            return _refused(LoginRefusal("90002", f"Tenant '{name}' not found.", "invalid_tenant", 400))
        base = f"{self._world.address}/{tenant.id if tenant else name}"
        issuer = f"{self._world.address}/{tenant.id if tenant else '{tenantid}'}/v2.0"
        return web.json_response(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "response_types_supported": ["code", "id_token"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "subject_types_supported": ["pairwise"],
            }
        )

    async def _keys(self, _: web.Request) -> web.Response:
        issuer = f"{self._world.address}/{{tenantid}}/v2.0"
        return web.json_response({"keys": [{**self._world.login_key.public(), "issuer": issuer}]})

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        tenant = self._world.tenant(request.match_info["tenant"])
        try:
            if tenant is None:
                raise LoginRefusal("90002", "Tenant not found.", "invalid_request", 400)
            tenant.requests[Operation.TOKEN] = tenant.requests.get(Operation.TOKEN, 0) + 1
            if (fault := next_fault(tenant.faults, Operation.TOKEN, tenant.now())) is not None:
                tenant.faults_met[f"token {fault.kind}"] = tenant.faults_met.get(f"token {fault.kind}", 0) + 1
                if fault.kind is Kind.RESET and request.transport is not None:
                    request.transport.abort()
                if fault.code:
                    known = sign_in_code(fault.code)
                    raise LoginRefusal(fault.code, known.text, known.error, known.status)
                return web.Response(status=fault.status)
            self._check_client(tenant, form)
            if form.get("grant_type") == "authorization_code":
                return web.json_response(self._redeem(tenant, form))
            return web.json_response(self._app_token(tenant, form))
        except LoginRefusal as refusal:
            return _refused(refusal)

    def _check_client(self, tenant: Tenant, form: dict[str, str]) -> None:
        if form.get("client_id") != CLIENT_ID:
            raise LoginRefusal("700016", "Application was not found in the directory.", "unauthorized_client", 400)
        if tenant.consent.credential_error:
            raise LoginRefusal(tenant.consent.credential_error, "The client credential is not accepted.")
        if "client_assertion" in form:
            claims = jwt.decode(form["client_assertion"], options={"verify_signature": False})
            if claims.get("iss") != CLIENT_ID and claims.get("aud") != "api://AzureADTokenExchange":
                raise LoginRefusal("700027", "Client assertion failed validation.")
        elif form.get("client_secret") != CLIENT_SECRET:
            raise LoginRefusal("7000215", "Invalid client secret provided.")

    def _app_token(self, tenant: Tenant, form: dict[str, str]) -> dict[str, object]:
        if form.get("grant_type") != "client_credentials" or not form.get("scope", "").endswith("/.default"):
            raise LoginRefusal("900144", "The request body must name a grant type and a scope.", "invalid_request", 400)
        consent = tenant.consent
        spreading = consent.given and consent.spreading > 0
        if spreading:
            consent.spreading -= 1
        if (spreading or not consent.given) and consent.lost_as in _AT_THE_TOKEN:
            raise LoginRefusal(
                consent.lost_as.value, "The app cannot be used in this tenant.", "unauthorized_client", 400
            )
        token = self._world.issue_access_token(tenant, () if spreading or not consent.given else _ROLES)
        return {"token_type": "Bearer", "expires_in": 4199, "ext_expires_in": 4199, "access_token": token}

    def _redeem(self, tenant: Tenant, form: dict[str, str]) -> dict[str, object]:
        code = self._world.codes.pop(form.get("code", ""), None)
        if code is None or code.expires < time.time() or code.session.account.tenant_id != tenant.id:
            raise LoginRefusal(
                "70008", "The authorization code was used, has expired or is another's.", "invalid_grant", 400
            )
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != code.challenge:
            raise LoginRefusal("501481", "The code_verifier does not match the code_challenge.", "invalid_grant", 400)
        if form.get("redirect_uri") != code.redirect_uri:
            raise LoginRefusal("50011", "The redirect URI does not match.", "invalid_grant", 400)
        return {
            "token_type": "Bearer",
            "expires_in": 3599,
            "scope": "openid profile",
            "access_token": uuid.uuid4().hex,
            "id_token": self._id_token(tenant, code),
        }

    def _id_token(self, tenant: Tenant, code: AuthorizationCode) -> str:
        """Right, or wrong in the one way that was asked for; 'without wids' leaves a claim out."""
        wrong, now, account = self._world.id_token_faults.get(tenant.id, ""), int(time.time()), code.session.account
        claims: dict[str, object] = {
            "iss": f"{self._world.address}/{tenant.id}/v2.0",
            "aud": CLIENT_ID,
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "nonce": code.nonce,
            "tid": tenant.id,
            "oid": account.object_id,
            "sub": hashlib.sha256(account.object_id.encode()).hexdigest()[:43],
            "name": account.name,
            "preferred_username": account.user_name,
            "ver": "2.0",
        }
        claims["auth_time"] = int(code.session.since)
        claims["wids"] = [*account.roles, ORDINARY_USER]
        spoiled: dict[str, dict[str, object]] = {
            "nonce": {"nonce": "another"},
            "name": {"name": "Zo\ud800"},
            "audience": {"aud": str(uuid.uuid4())},
            "issuer": {"iss": f"https://sts.example.org/{tenant.id}/v2.0"},
            "tenant": {"tid": str(uuid.uuid4())},
            "auth_time": {"auth_time": now - 86_400},
            "expired": {"exp": now - 3600, "iat": now - 7200, "nbf": now - 7200},
        }
        claims |= spoiled.get(wrong, {})
        if wrong.startswith("without "):
            claims.pop(wrong.removeprefix("without "), None)
        key = self._world.login_key
        if wrong == "none":
            return jwt.encode(claims, "", algorithm="none", headers={"kid": key.kid})
        if wrong == "hs256":
            return _hs256(claims, key.kid, str(key.public()["n"]).encode())
        if wrong == "key":
            other = new_key()
            other.kid = key.kid
            return other.sign(claims)
        return key.sign(claims)


def _hs256(claims: dict[str, object], kid: str, public: bytes) -> str:
    return jwt.encode(claims, public, algorithm="HS256", headers={"kid": kid})


def _refused(refusal: LoginRefusal) -> web.Response:
    now = datetime.now(UTC)
    body = {
        "error": refusal.error,
        "error_description": f"AADSTS{refusal.number}: {refusal.text} Timestamp: {now:%Y-%m-%d %H:%M:%SZ}",
        "error_codes": [int(refusal.number)],
        "timestamp": f"{now:%Y-%m-%d %H:%M:%SZ}",
        "trace_id": str(uuid.uuid4()),
        "correlation_id": str(uuid.uuid4()),
    }
    return web.json_response(body, status=refusal.status)
