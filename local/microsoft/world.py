"""Everything the local directory holds: tenants, signing keys, tokens it gave out, sign-in sessions."""

import time
import uuid
from dataclasses import dataclass, field

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from local.microsoft.tenant import Tenant

CLIENT_ID = "11111111-2222-4333-8444-555555555555"
CLIENT_SECRET = "local-only-client-secret"
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
PRIVILEGED_ROLE_ADMINISTRATOR = "e8611ab8-c189-46e8-94e1-60213ab1f814"
APPLICATION_ADMINISTRATOR = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
ORDINARY_USER = "b79fbf4d-3ef9-4689-8143-76b194e85509"
"""In every member's `wids` (facts/graph.md 11)."""
ACCESS_TOKEN_SECONDS = 4200


@dataclass(slots=True)
class SigningKey:
    """A private key with its public half as JWKS shows it."""

    kid: str
    algorithm: str
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    def public(self) -> dict[str, str]:
        if isinstance(self.private, rsa.RSAPrivateKey):
            told = jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        else:
            told = jwt.algorithms.ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        told.pop("key_ops", None)
        return {**told, "kid": self.kid, "use": "sig", "alg": self.algorithm}

    def sign(self, claims: dict[str, object]) -> str:
        return jwt.encode(claims, self.private, algorithm=self.algorithm, headers={"kid": self.kid})


def new_key(algorithm: str = "RS256") -> SigningKey:
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if algorithm == "RS256":
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    else:
        private = ec.generate_private_key(ec.SECP256R1())
    return SigningKey(uuid.uuid4().hex[:12], algorithm, private)


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can sign in at a tenant. `roles` are directory role template ids, as in `wids`."""

    tenant_id: str
    object_id: str
    user_name: str
    name: str
    roles: tuple[str, ...]

    @property
    def may_consent(self) -> bool:
        return bool({GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR} & set(self.roles))


_ACCOUNTS = (
    ("global.admin", "Gloria Global", (GLOBAL_ADMINISTRATOR,)),
    ("privileged.admin", "Priya Privileged", (PRIVILEGED_ROLE_ADMINISTRATOR,)),
    ("app.admin", "Anton Application", (APPLICATION_ADMINISTRATOR,)),
    ("member", "Mira Member", ()),
)


def accounts_of(tenant: Tenant) -> list[Account]:
    """Each tenant has the same four, besides its people."""
    return [
        Account(tenant.id, str(uuid.uuid5(uuid.UUID(tenant.id), alias)), f"{alias}@{tenant.domain}", name, roles)
        for alias, name, roles in _ACCOUNTS
    ]


@dataclass(slots=True)
class Session:
    """A browser's sign-in; `since` is when the person proved who he is, in seconds of the epoch."""

    account: Account
    since: float


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What an access token for Graph is good for."""

    tenant_id: str
    roles: tuple[str, ...]
    expires: float


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """A code on its way to the token endpoint: once, within minutes, for one redirect URI and one challenge."""

    session: Session
    redirect_uri: str
    nonce: str
    challenge: str
    expires: float


@dataclass(slots=True)
class World:
    """The process's state. `address` is where login and Graph answer, `desk` where the identity and the control do."""

    redirect_uris: set[str]
    address: str = ""
    desk: str = ""
    tenants: dict[str, Tenant] = field(default_factory=dict)
    login_key: SigningKey = field(default_factory=new_key)
    identity_keys: list[SigningKey] = field(default_factory=lambda: [new_key("RS256"), new_key("ES256")])
    access_tokens: dict[str, AccessToken] = field(default_factory=dict)
    codes: dict[str, AuthorizationCode] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    """Who is signed in to emu.chat, by session cookie."""
    portals: list[str] = field(default_factory=list)
    """The addresses of the Integrations pages on this machine."""
    id_token_faults: dict[str, str] = field(default_factory=dict)
    """By tenant: what is wrong with its ID tokens."""

    def tenant(self, name: str) -> Tenant | None:
        """By id or by domain."""
        found = self.tenants.get(name.lower())
        return found or next((one for one in self.tenants.values() if one.domain == name.lower()), None)

    def account(self, user_name: str) -> Account | None:
        tenant = self.tenant(user_name.rpartition("@")[2])
        accounts = accounts_of(tenant) if tenant is not None else []
        return next((one for one in accounts if one.user_name == user_name.lower()), None)

    def issue_access_token(self, tenant: Tenant, roles: tuple[str, ...]) -> str:
        now = int(time.time())
        token = self.login_key.sign(
            {
                "aud": self.address,
                "iss": f"{self.address}/{tenant.id}/v2.0",
                "tid": tenant.id,
                "appid": CLIENT_ID,
                "roles": list(roles),
                "iat": now,
                "exp": now + ACCESS_TOKEN_SECONDS,
                "uti": uuid.uuid4().hex,
            }
        )
        self.access_tokens[token] = AccessToken(tenant.id, roles, tenant.now() + ACCESS_TOKEN_SECONDS)
        return token
