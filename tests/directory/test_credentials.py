"""Credentials are kept, renewed and closed; none is closed under somebody's hands, and none stays open."""

import pytest

from directory.credentials import MOST_CREDENTIALS, Credentials, TenantId

CONTOSO = TenantId("contoso")


class Made:
    """A credential that only knows whether it was closed."""

    def __init__(self):
        self.closed = 0

    async def get_token(self, *scopes, **options):
        raise NotImplementedError

    async def close(self):
        self.closed += 1


@pytest.fixture
def made():
    return []


@pytest.fixture
def credentials(made):
    def build(_):
        made.append(Made())
        return made[-1]

    return Credentials(build)


async def test_a_tenant_keeps_its_credential_until_it_is_renewed(credentials, made):
    async with credentials.of(CONTOSO) as first:
        pass
    async with credentials.of(CONTOSO) as second:
        pass
    await credentials.renew(CONTOSO)
    async with credentials.of(CONTOSO) as third:
        pass

    assert first is second
    assert third is not first
    assert [one.closed for one in made] == [1, 0]


async def test_a_credential_that_is_in_use_is_closed_after_its_user(credentials, made):
    async with credentials.of(CONTOSO):
        await credentials.renew(CONTOSO)
        assert made[0].closed == 0

    assert made[0].closed == 1


async def test_the_least_recently_used_one_goes(credentials, made):
    for number in range(MOST_CREDENTIALS + 1):
        async with credentials.of(TenantId(f"tenant-{number}")):
            pass

    assert [one.closed for one in made] == [1] + [0] * MOST_CREDENTIALS
    await credentials.close()
    assert all(one.closed == 1 for one in made)
