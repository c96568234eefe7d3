"""The recipes of docs/CONTRIBUTING.md, carried out on a copy of the tree: tests are green, and red after a mistake."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.test_documents import ROOT

OFFERED, DESCRIBED, REFUSED = (
    "tests/local/test_offered_fields.py",
    "tests/api/test_openapi.py",
    "tests/api/test_refusals.py",
)
HOUSE = "tests/test_house.py::test_the_app_is_indexed_without_any_setting"
AS_THE_CODE = "test_the_description_is_what_the_code_says"
EVERY_ROUTE = "test_every_route_is_described_and_nothing_else"
A_CALL_OF_ADMINS = "test_every_call_that_changes_something_is_tried_as_a_member"

# 'Add a directory field', step by step.
FIELD = [
    ("mapping/fields.py", "    mail_nickname: ", '    age_group: Annotated[Text, Meta(title="Age group")] = UNSET\n'),
    ("local/microsoft/user_properties.py", "    accountEnabled city", "    ageGroup\n"),
    ("local/microsoft/people.py", '        "employeeType": "Employee",', '        "ageGroup": "Adult",\n'),
    (
        "mapping/contact_fields.py",
        '        ContactField("employeeId"',
        '        ContactField("ageGroup", "Age group"),\n',
    ),
]
# A field that Graph does not have.
BOGUS = [
    ("mapping/fields.py", "    mail_nickname: ", '    shoe_size: Annotated[Text, Meta(title="Shoe size")] = UNSET\n')
]

# 'Add an API call', step by step: its method and shape, its route and trigger, its words, who may not call it.
ROUTE = [
    (
        "api/connection_shapes.py",
        "class DirectoryFieldShape(",
        'class Motto(msgspec.Struct, frozen=True, rename="camel"):\n    """A motto."""\n\n    text: str\n\n\n',
    ),
    (
        "api/integration.py",
        "    async def fields(self",
        """    async def motto(self, req: func.HttpRequest) -> Reply[Motto]:
        await self._admin(req)
        return Reply(read_body(req, Motto))

""",
    ),
    ("api/integration.py", "from contacts.contact import", "from api.connection_shapes import Motto\n"),
    (
        "function_app.py",
        '@app.route("integrations/entra/fields"',
        '''@app.route("integrations/entra/motto", methods=["POST"])
@answering
async def say_motto(req: func.HttpRequest) -> func.HttpResponse:
    """Say a motto."""
    return await services().integration.motto(req)


''',
    ),
]
WORDS = [
    ("tests/test_house.py", '    "show_config",', '    "say_motto",\n'),
    (
        "local/tools/api_prose.py",
        '    "preview_config": Prose(',
        '    "say_motto": Prose("The motto.", _ADMIN, Motto),\n',
    ),
    ("local/tools/api_prose.py", "from api.runs import", "from api.connection_shapes import Motto\n"),
    (
        DESCRIBED,
        '        self.call(member, "GET", "health")',
        '        self.call(office.admin, "POST", f"{ENTRA}/motto", {"text": "Hi"})\n',
    ),
    (REFUSED, '    ("POST", f"{ENTRA}/preview"', '    ("POST", f"{ENTRA}/motto", {"text": "Hi"}),\n'),
]
# The description says something else than what is answered; Journey holds the one against the other.
WRONG_SCHEMA = """

def test_a_wrong_schema(office):
    DOCUMENT["components"]["schemas"]["Motto"]["properties"]["text"]["type"] = "integer"
    office.connect()
    answer = office.admin.send("POST", f"{ENTRA}/motto", {"text": "Hi"})
    Journey(office).hold(answer, OPERATIONS["POST", f"{ENTRA}/motto"])
"""


@pytest.fixture
def copy(tmp_path):
    """The tree as git knows it, in another folder; Node's packages are those that are there."""
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True, timeout=30).stdout
    for name in names.splitlines():
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "local" / "node" / "node_modules").symlink_to((ROOT / "local" / "node" / "node_modules").resolve())
    return tmp_path


def carry_out(tree, steps):
    """Put each text before the line that begins so, which is there once."""
    for name, place, text in steps:
        before, found, after = (tree / name).read_text().partition(place)
        assert found, (name, place)
        (tree / name).write_text(before + text + found + after)


def python(tree, *words):
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "MAKE"))}
    # The processes below trust the CA of their own local Microsoft.
    plain = {name: value for name, value in plain.items() if name not in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")}
    return subprocess.run(
        [sys.executable, *words], cwd=tree, env=plain, capture_output=True, text=True, timeout=400, check=False
    )


def outcomes(tree, *words):
    """The names of tests that were red, and all that was printed."""
    told = python(tree, "-m", "pytest", "-q", "-rA", "-n0", "-p", "no:cacheprovider", *words)
    assert re.search(r"\d+ (passed|failed)", told.stdout), told.stdout + told.stderr
    assert " error" not in told.stdout.splitlines()[-1], told.stdout
    return {
        line.partition("::")[2].partition(" - ")[0] for line in told.stdout.splitlines() if line[:7] == "FAILED "
    }, told


@pytest.mark.timeout(900)
def test_recipes_work_as_written_and_mistakes_are_noticed(copy):
    carry_out(copy, ROUTE)

    # A call that nobody described, and that nobody tried as a member.
    red, _ = outcomes(
        copy,
        HOUSE,
        f"{DESCRIBED}::{AS_THE_CODE}",
        f"{DESCRIBED}::{EVERY_ROUTE}",
        f"{REFUSED}::{A_CALL_OF_ADMINS}",
    )
    assert red == {HOUSE.partition("::")[2], AS_THE_CODE, EVERY_ROUTE, A_CALL_OF_ADMINS}

    # As written; beside it a field that Graph does not have, and a description that is wrong.
    carry_out(copy, [*WORDS, *FIELD, *BOGUS])
    assert python(copy, "-m", "local.tools.openapi").returncode == 0
    with (copy / DESCRIBED).open("a") as file:
        file.write(WRONG_SCHEMA)
    red, told = outcomes(copy, HOUSE, OFFERED, DESCRIBED, REFUSED, "-k", "not refusals or motto or tried_as_a_member")

    assert red == {
        "test_an_offered_field_can_be_asked_for[shoeSize]",
        "test_some_sample_person_has_a_value_in_every_offered_field",
        "test_a_wrong_schema",
    }, told.stdout
    assert "['shoeSize'] == []" in told.stdout
    assert "is not of type 'integer'" in told.stdout
