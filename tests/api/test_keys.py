"""Signing keys: how long they are believed, and what an answer may look like (spec §7)."""

import asyncio
import json

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

import limits
from api.keys import SigningKeys
from errors import TryLater


def published(kid, **more):
    public = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    return {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(public)), "kid": kid, "alg": "RS256", **more}


class Issuer:
    """Publishes keys over HTTP, in two TCP segments; `asked` counts the requests."""

    def __init__(self):
        self.keys, self.asked, self.seconds, self.status, self.padding = [published("one")], 0, 1000.0, 200, ""

    async def answer(self, request):
        self.asked += 1
        response = web.StreamResponse(status=self.status)
        await response.prepare(request)
        body = json.dumps({"keys": self.keys, "padding": self.padding}).encode()
        await response.write(body[:100])
        await asyncio.sleep(0.02)  # The reader has the first segment before the second one is sent.
        await response.write(body[100:])
        return response

    def __call__(self):
        return self.seconds


@pytest.fixture
async def issuer():
    issuer = Issuer()
    app = web.Application()
    app.router.add_get("/jwks", issuer.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    issuer.address = f"http://127.0.0.1:{runner.addresses[0][1]}/jwks"
    yield issuer
    await runner.cleanup()


async def test_an_answer_in_two_segments_is_read_to_its_end(issuer):
    assert (await SigningKeys(issuer.address, issuer).of("one")).key_id == "one"


async def test_a_withdrawn_key_is_good_for_an_hour_at_most(issuer):
    keys = SigningKeys(issuer.address, issuer)
    await keys.of("one")
    issuer.keys = [published("two")]
    issuer.seconds += limits.KEYS_LIFE_SECONDS

    assert await keys.of("one") is None


async def test_keys_that_cannot_be_renewed_are_believed_for_an_hour_and_no_longer(issuer):
    keys = SigningKeys(issuer.address, issuer)
    await keys.of("one")
    issuer.status = 503
    issuer.seconds += limits.KEYS_LIFE_SECONDS - 1
    assert await keys.of("one") is not None
    issuer.seconds += 2

    with pytest.raises(TryLater):
        await keys.of("one")


async def test_many_calls_that_wait_ask_once(issuer):
    keys = SigningKeys(issuer.address, issuer)

    found = await asyncio.gather(*(keys.of("one") for _ in range(50)))

    assert all(found)
    assert issuer.asked == 1


async def test_many_calls_that_wait_for_a_broken_issuer_ask_once(issuer):
    issuer.status = 503
    keys = SigningKeys(issuer.address, issuer)

    found = await asyncio.gather(*(keys.of("one") for _ in range(50)), return_exceptions=True)

    assert {type(one) for one in found} == {TryLater}
    assert issuer.asked == 1


async def test_an_unknown_key_is_asked_for_once_a_minute(issuer):
    keys = SigningKeys(issuer.address, issuer)
    for _ in range(5):
        assert await keys.of("two") is None
    assert issuer.asked == 1
    issuer.keys.append(published("two"))
    issuer.seconds += limits.KEYS_AGAIN_SECONDS

    assert await keys.of("two") is not None


@pytest.mark.parametrize(("use", "good"), [({}, True), ({"use": "sig"}, True), ({"use": "enc"}, False)])
async def test_a_key_for_something_else_signs_nothing(issuer, use, good):
    issuer.keys = [published("one", **use)]

    assert (await SigningKeys(issuer.address, issuer).of("one") is not None) is good


async def test_an_endless_set_of_keys_is_not_read(issuer):
    issuer.padding = "x" * limits.LARGEST_KEYS_BYTES

    with pytest.raises(TryLater):
        await SigningKeys(issuer.address, issuer).of("one")
