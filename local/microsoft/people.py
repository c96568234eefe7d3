"""Makes a believable organisation from a seed: names of many languages, gaps, guests, leavers, rooms.

A user's properties hold only what was ever set, by Graph's names; None is 'cleared' (facts/graph.md 1.3, 2.3).
"""

import random
import uuid
from collections.abc import Iterator

type Properties = dict[str, str | bool | list[str] | None]

# Given names and surnames with the form that an address has, a few of each language.
_NAMES: tuple[tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...], str], ...] = (
    (
        (("Ada", "ada"), ("Grace", "grace"), ("Oliver", "oliver"), ("Ruth", "ruth"), ("Miles", "miles")),
        (("Hopper", "hopper"), ("Clarke", "clarke"), ("O'Neill", "oneill"), ("Ashworth", "ashworth")),
        "en-GB",
    ),
    (
        (("Jürgen", "juergen"), ("Käthe", "kaethe"), ("Björn", "bjoern"), ("Anneliese", "anneliese")),
        (("Müller", "mueller"), ("Weiß", "weiss"), ("von der Heide", "vonderheide"), ("Özdemir", "oezdemir")),
        "de-DE",
    ),
    (
        (("Zoë", "zoe"), ("François", "francois"), ("Maëlle", "maelle"), ("Jean-Luc", "jean-luc")),
        (("Lefèvre", "lefevre"), ("D'Arcy", "darcy"), ("Bérénice", "berenice"), ("Noël", "noel")),
        "fr-FR",
    ),
    (
        (("José", "jose"), ("Begoña", "begona"), ("Iñaki", "inaki"), ("Lucía", "lucia")),
        (("Núñez Ortega", "nunez"), ("García-López", "garcia-lopez"), ("Etxeberria", "etxeberria")),
        "es-ES",
    ),
    (
        (("Łukasz", "lukasz"), ("Małgorzata", "malgorzata"), ("Zdeněk", "zdenek"), ("Živa", "ziva")),
        (("Wójcik", "wojcik"), ("Dvořák", "dvorak"), ("Szczęsny", "szczesny"), ("Čapek", "capek")),
        "pl-PL",
    ),
    (
        (("Дарья", "darya"), ("Олексій", "oleksii"), ("Νίκος", "nikos"), ("Ελένη", "eleni")),
        (("Иванова", "ivanova"), ("Шевченко", "shevchenko"), ("Παπαδόπουλος", "papadopoulos")),
        "uk-UA",
    ),
    (
        (("美咲", "misaki"), ("健太", "kenta"), ("伟", "wei"), ("지우", "jiwoo"), ("秀英", "xiuying")),
        (("佐藤", "sato"), ("鈴木", "suzuki"), ("王", "wang"), ("김", "kim"), ("欧阳", "ouyang")),
        "ja-JP",
    ),
    (
        (("عمر", "omar"), ("ليلى", "layla"), ("נועה", "noa"), ("प्रिया", "priya"), ("அருண்", "arun")),
        (("الخطيب", "alkhatib"), ("כהן", "cohen"), ("शर्मा", "sharma"), ("சுப்பிரமணியம்", "subramaniam")),
        "ar-EG",
    ),
    (
        (("Nguyễn Thị", "nguyenthi"), ("Ngọc", "ngoc"), ("Ọláòlú", "olaolu"), ("Søren", "soeren")),
        (("Ánh", "anh"), ("Trần", "tran"), ("Adébáyọ̀", "adebayo"), ("Ærø", "aeroe"), ("X", "x")),
        "vi-VN",
    ),
)
_DEPARTMENTS = ("Engineering", "Sales", "Finance", "People & Culture", "Legal", "Støtte", "研究開発")
_TITLES = (
    "Engineer",
    "Account Manager",
    "Controller",
    "Head of Operations",
    "Counsel",
    "Working Student",
    "Chef d'équipe",
)
_PLACES = (
    ("Zürich", "ZH", "Switzerland", "8001", "CH", "+41 44"),
    ("Kraków", "Małopolskie", "Poland", "31-042", "PL", "+48 12"),
    ("Kyoto", "Kyoto", "Japan", "604-8571", "JP", "+81 75"),
    ("Lagos", "Lagos", "Nigeria", "101233", "NG", "+234 1"),
    ("São Paulo", "SP", "Brazil", "01310-100", "BR", "+55 11"),
    ("Reykjavík", "", "Iceland", "101", "IS", "+354"),
)
_ROOMS = ("Matterhorn", "Aquarium", "Bibliothek", "屋上", "Boardroom", "Phone box")
_ROOM, _LEAVER, _GUEST = 0.02, 0.05, 0.13


def organisation(count: int, seed: int, company: str, domain: str) -> Iterator[Properties]:
    """`count` users in a fixed order: about 87 % of them people, the others guests, leavers and rooms."""
    rng = random.Random(seed)
    for number in range(count):
        kind = rng.random()
        user = _room(rng, number, domain) if kind < _ROOM else _person(rng, number, company, domain)
        if _ROOM <= kind < _LEAVER:
            user["accountEnabled"] = False
        elif _LEAVER <= kind < _GUEST:
            _make_guest(user, domain)
        yield user


def _person(rng: random.Random, number: int, company: str, domain: str) -> Properties:
    given_names, surnames, language = rng.choice(_NAMES)
    (given, given_ascii), (surname, surname_ascii) = rng.choice(given_names), rng.choice(surnames)
    city, state, country, postal_code, usage, dial = rng.choice(_PLACES)
    alias = f"{given_ascii}.{surname_ascii}{number}"
    user: Properties = {
        "id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "displayName": f"{given} {surname}",
        "givenName": given,
        "surname": surname,
        "userPrincipalName": f"{alias}@{domain}",
        "mailNickname": alias,
        "mail": f"{alias}@{domain}",
        "mobilePhone": f"{dial} {rng.randrange(10**6, 10**7)}",
        "businessPhones": [f"{dial} {rng.randrange(10**6, 10**7)}"],
        "companyName": company,
        "department": rng.choice(_DEPARTMENTS),
        "jobTitle": rng.choice(_TITLES),
        "officeLocation": f"{city} / {rng.randrange(1, 9)}.{rng.randrange(100):02d}",
        "streetAddress": f"{rng.randrange(1, 200)} Main Street\nFloor {rng.randrange(1, 9)}",
        "city": city,
        "state": state,
        "country": country,
        "postalCode": postal_code,
        "employeeId": f"E{number:06d}",
        "employeeType": "Employee",
        "preferredLanguage": language,
        "usageLocation": usage,
        "userType": "Member",
        "accountEnabled": True,
    }
    for name, chance in (
        ("mobilePhone", 0.4),
        ("mail", 0.03),
        ("companyName", 0.1),
        ("jobTitle", 0.1),
        ("surname", 0.02),
    ):
        if rng.random() < chance:
            del user[name]
    if rng.random() < 0.3:
        user["businessPhones"] = []
    if not state:
        del user["state"]
    else:
        user["faxNumber"] = f"{dial} 555 01 99"
    if rng.random() < 0.05:
        del user["userType"]  # Accounts from before the property existed.
    return user


def _make_guest(user: Properties, domain: str) -> None:
    mail = f"{user['mailNickname']}@partner.example"
    user["mail"] = mail
    user["userType"] = "Guest"
    user["userPrincipalName"] = f"{mail.replace('@', '_')}#EXT#@{domain}"
    user["employeeType"] = "Contractor"


def _room(rng: random.Random, number: int, domain: str) -> Properties:
    name = f"Room {rng.choice(_ROOMS)} {number}"
    return {
        "id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "displayName": name,
        "mail": f"room{number}@{domain}",
        "userPrincipalName": f"room{number}@{domain}",
        "mailNickname": f"room{number}",
        "businessPhones": [],
        "userType": "Member",
        "accountEnabled": False,
    }
