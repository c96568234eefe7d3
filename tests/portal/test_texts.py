"""Every text of the page stands in one catalogue, in each of its languages (Node reads the catalogues)."""

import re

import services
from errors import ConnectorError
from sync.failures import died, gave_up
from tests.portal.pure import promise
from tests.portal.test_modules import PORTAL

CODE = sorted(path for path in PORTAL.glob("*.js") if not path.name.startswith("texts."))
COMMENT = re.compile(r"/\*.*?\*/|^\s*//.*?$", re.DOTALL | re.MULTILINE)
STRING = re.compile(r'"([^"\n]*)"|`([^`]*)`')
GAP = re.compile(r"\$\{[^}]*\}")
NOT_FOR_PEOPLE = re.compile(
    # Addresses, selectors, names of headers and of keys, patterns.
    r"^(GET|PUT|POST|PATCH|DELETE|Escape|Bearer |If-Match|Content-Type|Authorization|Full Resync|\(prefers.*)$"
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
