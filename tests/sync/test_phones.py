"""The directory's phone numbers in the international form, where an administrator chose that (spec §3)."""

import pytest

from mapping.configuration import Configuration, ConflictResolution, FieldMapping
from mapping.phones import PhoneNumbers, international, region_of
from mapping.values import ValueReader

E164 = PhoneNumbers.E164


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=0)


async def phone_of(rig, someone):
    return (await rig.linked())[someone].get("mobilePhone")


@pytest.mark.parametrize(
    ("text", "region", "form"),
    [
        ("+41 44 668 18 00", None, "+41446681800"),
        ("044 668 18 00", "CH", "+41446681800"),
        ("(202) 555-0143", "US", "+12025550143"),
        ("00 41 44 668 18 00", "DE", "+41446681800"),
        ("tel. 044/668-18-00", "CH", "+41446681800"),
        ("044 668 18 00", None, None),
        ("044 668 18 00", "XX", None),
        ("+41 44 668 18 00 ext. 7", None, None),
        ("079 123 45 67 \\ x079 123 45 68", "CH", None),
        ("+41 44 668 18 00;isub=12345", None, None),
        ("not 079 123 45 67!", "CH", None),
        ("Tel: (044) 668\u201118\u201100", "CH", "+41446681800"),
        ("12", "CH", None),
        ("call me maybe", "CH", None),
        ("", "CH", None),
    ],
)
def test_a_number_has_the_form_or_none(text, region, form):
    assert international(text, region) == form


def test_a_country_is_two_letters():
    assert region_of("ch", "Germany") == "CH"
    assert region_of(None, "DE") == "DE"
    assert region_of("Switzerland", None) is None
    assert region_of("ÄÖ") is None


def test_lists_of_numbers_as_they_are_written_look_as_before():
    """Their hashes are those of versions that knew no other form, so that no list looks changed."""
    assert ValueReader(Configuration()).source_hash(("a",) * 5) == "70d1a14ed805a1c0"


async def test_numbers_are_stored_in_the_form_and_a_later_patch_too(rig, tenant):
    await rig.connect(phone_numbers=E164)
    someone = tenant.hire(givenName="Ada", mobilePhone="044 668 18 00", usageLocation="CH")
    nowhere = tenant.hire(givenName="Bob", mobilePhone="044 668 18 00")
    await rig.full()
    assert await phone_of(rig, someone) == "+41446681800"
    assert await phone_of(rig, nowhere) == "044 668 18 00"

    tenant.shape(sparse=True)
    tenant.change(someone, mobilePhone="079 123 45 67")
    tenant.change(nowhere, country="CH")
    await rig.delta()

    assert await phone_of(rig, someone) == "+41791234567"
    assert await phone_of(rig, nowhere) == "+41446681800"
    assert (await rig.full()).counts.updated == 0


@pytest.mark.parametrize(("country", "form"), [("DE", "+49446681800"), (None, "044 668 18 00")])
async def test_a_patch_that_tells_of_the_country_alone_counts(rig, tenant, country, form):
    await rig.connect(phone_numbers=E164)
    someone = tenant.hire(mobilePhone="044 668 18 00", usageLocation="CH")
    await rig.full()

    tenant.shape(sparse=True)
    tenant.change(someone, usageLocation=country)
    await rig.delta()

    assert await phone_of(rig, someone) == form
    assert (await rig.full()).counts.updated == 0


@pytest.mark.parametrize("resolution", list(ConflictResolution))
async def test_the_choice_is_taken_back(rig, tenant, resolution):
    await rig.connect(conflict_resolution=resolution)
    someone = tenant.hire(mobilePhone="044 668 18 00", usageLocation="CH")
    await rig.full()

    assert (await rig.configure(phone_numbers=E164)).counts.updated == (resolution is ConflictResolution.SOURCE_WINS)
    await rig.configure(phone_numbers=PhoneNumbers.AS_WRITTEN)

    assert await phone_of(rig, someone) == "044 668 18 00"


async def test_the_country_is_asked_for_and_mapped_all_the_same(rig, tenant):
    mappings = (FieldMapping("mobilePhone", "mobilePhone"), FieldMapping("usageLocation", "officeLocation"))
    await rig.connect(phone_numbers=E164, field_mappings=mappings)
    someone = tenant.hire(mobilePhone="044 668 18 00", usageLocation="CH")

    await rig.full()

    assert (await rig.linked())[someone] == {"mobilePhone": "+41446681800", "officeLocation": "CH"}
