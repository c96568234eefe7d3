"""The keys that sign emu.chat's tokens, as their issuer publishes them (spec §7; RFC 7517).

They are fetched once for all calls that wait. A key that the issuer withdrew is good for an hour at most.
"""

import asyncio
import logging
from collections.abc import Callable

import aiohttp
import jwt

import limits
from errors import TryLater

log = logging.getLogger(__name__)

ALGORITHMS = ["RS256", "ES256"]
_PATIENCE = aiohttp.ClientTimeout(total=limits.KEYS_CALL_SECONDS)


class SigningKeys:
    """Keys by `kid`. `now` gives seconds, monotonic."""

    def __init__(self, address: str, now: Callable[[], float]) -> None:
        self._address = address
        self._now = now
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def of(self, kid: str) -> jwt.PyJWK | None:
        """The key with an id; None when the issuer has none, which is believed for a minute.

        Raises:
            TryLater: the keys cannot be had.
        """
        if kid not in self._keys or self._age() > limits.KEYS_FRESH_SECONDS:
            await self._fetch(kid)
        # Keys that are too old may have been withdrawn, for instance because one was stolen.
        if self._age() > limits.KEYS_LIFE_SECONDS:
            raise TryLater("Sign-ins cannot be checked at the moment. Try again in a minute.", 5)
        return self._keys.get(kid)

    def _age(self) -> float:
        return self._now() - self._fetched_at

    async def _fetch(self, kid: str) -> None:
        """Ask, unless another call has asked meanwhile, or a short time ago."""
        async with self._fetching:
            known = kid in self._keys and self._age() <= limits.KEYS_FRESH_SECONDS
            alive = self._age() <= limits.KEYS_LIFE_SECONDS
            # Tokens with made-up key ids must not make this app ask the issuer at each call.
            pause = limits.KEYS_AGAIN_SECONDS if alive else limits.KEYS_DOWN_SECONDS
            if known or self._now() - self._tried_at < pause:
                return
            # Before the request, so that a failure too is followed by a pause.
            self._tried_at = self._now()
            try:
                # In a thread: hundreds of keys, which the issuer may publish, take a while.
                found = await asyncio.to_thread(jwt.PyJWKSet.from_json, (await self._read()).decode())
            except (aiohttp.ClientError, TimeoutError, jwt.PyJWTError, ValueError) as error:
                log.warning("jwks_unavailable reason=%s", type(error).__name__)
                return
            self._keys = {key.key_id: key for key in found.keys if key.key_id and _may_sign(key)}
            self._fetched_at = self._now()

    async def _read(self) -> bytes:
        """The answer to its end, however it is cut into segments.

        Raises:
            ValueError: it is larger than any set of keys.
        """
        async with (
            aiohttp.ClientSession(timeout=_PATIENCE) as session,
            session.get(self._address, allow_redirects=False) as answer,
        ):
            answer.raise_for_status()
            if answer.status != 200:  # noqa: PLR2004 - a redirect is not followed
                raise ValueError("not a set of keys")
            # Read piece by piece: the length that an answer claims proves nothing.
            body = b""
            async for piece in answer.content.iter_any():
                body += piece
                if len(body) > limits.LARGEST_KEYS_BYTES:
                    raise ValueError("larger than any set of keys")
            return body


def _may_sign(key: jwt.PyJWK) -> bool:
    # A key for encryption must not be taken for one that signs.
    return key.algorithm_name in ALGORITHMS and key.public_key_use in (None, "sig")
