"""Every text of the page stands in one catalogue, in each of its languages (Node reads the catalogues)."""

import re

import pytest

import limits
import services
from contacts.contact import own_contact_id
from contacts.edits import checked, created
from errors import ConnectorError, Refused
from mapping.configuration import Configuration, FieldMapping, Operator, RemovalGuard, ScopeRule, validate
from mapping.contact_fields import STANDARD_FIELDS
from sync.failures import died, gave_up
from tests.portal.pure import promise
from tests.portal.test_modules import PORTAL

CODE = sorted(path for path in PORTAL.glob("*.js") if not path.name.startswith("texts."))
COMMENT = re.compile(r"/\*.*?\*/|^\s*//.*?$", re.DOTALL | re.MULTILINE)
STRING = re.compile(r'"([^"\n]*)"|`([^`]*)`')
GAP = re.compile(r"\$\{[^}]*\}")
NOT_FOR_PEOPLE = re.compile(
    # Addresses, selectors, names of headers and of keys, patterns.
    r"^(GET|PUT|POST|PATCH|DELETE|Escape|Enter|Bearer |If-Match|Content-Type|Authorization|Full Resync|\(prefers.*)$"
)


def literals():
    for path in CODE:
        for match in STRING.finditer(COMMENT.sub("", path.read_text())):
            yield path.name, GAP.sub("", match[1] if match[1] is not None else match[2])


def test_no_text_stands_outside_of_the_catalogue():
    """A literal that begins like a sentence or a label, or that holds a sentence, is a text."""
    is_text = re.compile(r"^[A-Z][a-z]+( |$)|[a-z]{2,}[,.!?…:] [A-Za-z]|[a-z] .*[.!?…]$|([a-z]+ ){3}[a-z]+")

    found = [
        f"{name}: {text}"
        for name, text in literals()
        if is_text.search(text) and not NOT_FOR_PEOPLE.match(text) and not re.search(r"[#\[/]|\.js$", text)
    ]

    assert found == []


def test_each_language_has_each_text_with_the_same_gaps():
    promise("""
      const [en, de] = await Promise.all(["en", "de"].map(async (one) => (await import(`./texts.${one}.js`)).TEXTS));
      assert.deepEqual(Object.keys(en).sort(), Object.keys(de).sort());
      const gaps = (text) => [...new Set(text.match(/\\{\\w+\\}/g) ?? [])].sort();
      for (const key of Object.keys(en)) {
        const [one, other] = [en[key], de[key]];
        assert.equal(typeof one, typeof other, key);
        assert.deepEqual(gaps(one.other ?? one), gaps(other.other ?? other), key);
        assert.ok((other.other ?? other).trim(), key);
      }
    """)


def codes_of(error):
    return {error.code} | {code for one in error.__subclasses__() for code in codes_of(one)}


def test_each_code_of_an_error_has_a_text():
    """Those that a caller of the API, or the run's page, can meet; each language has the same keys."""
    codes = {one for one in codes_of(ConnectorError) if one} | {"bug", gave_up(None).code, died(3).code}

    assert services  # With it every module that defines an error is loaded.
    promise(f"""
      const {{ isText }} = await import("./words.js");
      assert.deepEqual({sorted(codes)}.filter((one) => !isText(`problem.${{one}}`)), []);
    """)


def test_a_problem_is_told_in_the_readers_language_with_microsofts_number():
    script = """
      Object.defineProperty(globalThis, "navigator", {{ value: {{ languages: ["{language}"] }}, configurable: true }});
      const {{ failure, problem }} = await import("./words.js");
      const said = {{ code: "try_later", message: "A policy blocks. (AADSTS53003)", action: "Ask." }};
      assert.equal(problem("unknown", "As it is."), "As it is.");
      assert.deepEqual([problem("paused", "Exact."), failure(said)], {told});
    """
    promise(script.format(language="en-GB", told='["Exact.", { message: said.message, action: "Ask." }]'))
    german = "Das geht im Moment nicht. Synchronisierungen versucht emu.chat von selbst wieder. (AADSTS53003)"
    paused = "Die Synchronisierung ist angehalten. Setzen Sie sie zuerst fort."
    promise(script.format(language="de-CH", told=f'["{paused}", {{ message: "{german}", action: "" }}]'))


def reasons():
    """What the API says of fields that a person can fill in on the page, each kind once."""
    target, rule = STANDARD_FIELDS, ScopeRule
    wrong = [
        Configuration(field_mappings=()),
        Configuration(field_mappings=(FieldMapping("x", "email"), FieldMapping("mail", "x"))),
        Configuration(scope_rules=(rule("x", Operator.IS, ("a",)), rule("city", Operator.IS_EMPTY, ("a",)))),
        Configuration(scope_rules=(rule("city", Operator.IS), rule("city", Operator.IS, (" ", "x" * 5000)))),
        Configuration(scope_rules=(rule("city", Operator.IS, ("x",)),) * (limits.MOST_RULES + 1)),
        Configuration(scope_rules=tuple(rule("city", Operator.IS, ("x" * 250,) * 100) for _ in range(20))),
        Configuration(excluded_people=("x",) * (limits.MOST_EXCLUDED + 1)),
        Configuration(removal_guard=RemovalGuard(-1, 101)),
    ]
    edits = ({"email": "no"}, {"mobilePhone": "call me maybe"}, {})
    tries = [lambda one=one: validate(one, target) for one in wrong]
    tries += [lambda one=one: created(own_contact_id(), one, "now") for one in edits]
    tries += [lambda: checked({"nickname": "x", "jobTitle": "x" * 5000}, target)]
    for one in tries:
        with pytest.raises(Refused) as refused:
            one()
        yield from refused.value.fields.values()


def test_what_is_wrong_with_a_field_is_told_in_the_readers_language():
    said = sorted(set(reasons()))
    script = """
      Object.defineProperty(globalThis, "navigator", {{ value: {{ languages: ["{language}"] }}, configurable: true }});
      const {{ reason }} = await import("./words.js");
      const said = {said};
      assert.deepEqual(said.filter((one) => (reason(one) === one) === {translated}), []);
      assert.equal(reason("must be from 0 to 100"), "{told}");
      assert.ok(reason("at most 1,000 people").includes("{thousand}"));
    """
    english = {"translated": "false", "told": "must be from 0 to 100", "thousand": "1,000"}
    promise(script.format(language="en-GB", said=said, **english))
    german = {"translated": "true", "told": "muss von 0 bis 100 sein", "thousand": "1.000"}
    promise(script.format(language="de-DE", said=said, **german))


def test_each_text_is_used_and_each_that_is_used_is_there():
    """A key that is put together, such as `state.${run.state}`, uses every text that begins so."""
    code = "".join(COMMENT.sub("", path.read_text()) for path in CODE)
    whole = set(re.findall(r'["`]((?:\w+)(?:\.\w+)*)["`]', code))
    begun = set(re.findall(r"`([\w.]*\.)\$\{", code))
    begun |= set(re.findall(r'"(\w+\.)"', code))
    ended = set(re.findall(r"\}(\.[\w.]+)`", code))
    promise(f"""
      const {{ TEXTS }} = await import("./texts.en.js");
      const [whole, begun, ended] = {[sorted(whole), sorted(begun), sorted(ended)]};
      const isUsed = (key) =>
        whole.includes(key) || begun.some((one) => key.startsWith(one)) || ended.some((one) => key.endsWith(one));
      assert.deepEqual(Object.keys(TEXTS).filter((key) => !isUsed(key)), []);
    """)
    asked = set(re.findall(r'\b(?:t|rich)\("([\w.]+)"', code))
    promise(f"""
      const {{ TEXTS }} = await import("./texts.en.js");
      assert.deepEqual({sorted(asked)}.filter((key) => !(key in TEXTS)), []);
    """)
