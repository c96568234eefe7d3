"""Phone numbers in the international form (pure; ITU-T E.164), as far as what is written tells it."""

import re
from enum import StrEnum

REGION_FIELDS = ("usageLocation", "country")
"""The directory fields that may name a user's country by its two letters, the surer one first."""

_LETTERS = 2
_NUMBER = re.compile(r"(?:tel[.:]?\s*)?[+\d\s()./\u2010-\u2015-]+", re.IGNORECASE)


class PhoneNumbers(StrEnum):
    """How the directory's phone numbers are stored."""

    AS_WRITTEN = "as_written"
    E164 = "e164"


def region_of(*countries: str | None) -> str | None:
    """The first of some texts that can be a country's two letters; an organisation may write anything there."""
    return next((one.upper() for one in countries if one and len(one) == _LETTERS and one.isascii()), None)


def international(text: str, region: str | None) -> str | None:
    """A number as E.164; None for what is no valid number, or a national one of a country that is not known.

    One with an extension, or with any other text, has no such form: that would be lost.
    """
    if not _NUMBER.fullmatch(text.strip()):
        return None
    # Imported here alone: a cold start does not pay for it where no list asks for this form.
    import phonenumbers  # noqa: PLC0415

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
