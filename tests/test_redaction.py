"""What is hidden of secrets in the words of servers, and what is left of the words."""

from __future__ import annotations

import base64
import html
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mkdocs_genimage.providers import ProviderSettings
from mkdocs_genimage.providers.endpoint import find_endpoint
from mkdocs_genimage.providers.redaction import READ_CHARS, RUN_CHARS, SHOWN_CHARS, Redactor

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "sk-test-Zq7vX2mK9wRb4TnYc8LhJd5sGf3PuE6a"
AWKWARD = "gw-\"Uf8'Jx3\\Qs6&Mt2<Vb9>Lw5%20Zk7/é+N"
BLANKS = "Gx7 kd Wq2 rT Zb9 n"
SECRETS = st.one_of(
    st.sampled_from([KEY, AWKWARD, BLANKS]),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=60),
    st.text(
        st.characters(min_codepoint=33, max_codepoint=0x24F, exclude_categories=["Cc"]),
        min_size=12,
        max_size=30,
    ),
)


def escaped(text: str) -> str:
    """Each character as JSON may have it."""
    return "".join(f"\\u{ord(one):04x}" for one in text)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper case": str.upper,
    "JSON": json.dumps,
    "JSON, not ASCII": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON, each character": escaped,
    "JSON of Go": lambda text: (
        json.dumps(text).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003E")
    ),
    "JSON of PHP": lambda text: json.dumps(text).replace("/", "\\/"),
    "JSON in JSON": lambda text: json.dumps({"said": json.dumps(text)}),
    "Python": repr,
    "HTML": html.escape,
    "HTML, numbers": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "HTML, hexadecimal": lambda text: "".join(f"&#x{ord(one):X};" for one in text),
    "URL": quote,
    "URL, all": lambda text: quote(text, safe=""),
    "URL, each byte": lambda text: "".join(f"%{one:02X}" for one in text.encode()),
    "URL, blanks as plus": quote_plus,
    "URL, twice": lambda text: quote(quote(text, safe=""), safe=""),
    "JSON in a URL": lambda text: quote(json.dumps(text), safe=""),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64, in JSON": lambda text: base64.b64encode(text.encode()).decode().replace("/", "\\/"),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64, second alignment": lambda text: base64.b64encode(f":{text}@".encode()).decode(),
    "base64, third alignment": lambda text: base64.b64encode(f"me{text}".encode()).decode(),
    "base64 in a URL": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(secret=SECRETS, data=st.data())
def test_each_long_part_is_hidden_in_each_spelling(
    spelling: str, secret: str, data: st.DataObject
) -> None:
    """A part of 12 characters: one of 8 loses some of them where its ends are escaped."""
    start = data.draw(st.integers(0, len(secret) - 12))
    end = data.draw(st.integers(start + 12, len(secret)))
    part = SPELLINGS[spelling](secret[start:end])
    # The sharp s becomes two letters.
    assume(spelling != "upper case" or len(part) == end - start)
    before, behind = data.draw(st.tuples(*[st.text("aZ4 =/.\n", max_size=9)] * 2))
    redactor = Redactor([secret])
    hidden = redactor.hide(f"{before} {part} {behind}")
    assert "…" in hidden
    assert redactor.finds(f"{before} {part} {behind}")
    assert not redactor.finds(hidden), "nothing of it can be read any more"
    kept = hidden.replace("…", "")
    assert all(one not in kept for one in _pieces(part))


def _pieces(part: str) -> list[str]:
    """What would be as good as the part itself: all of it but an end that a blank has cut off."""
    most = max(part.split(), key=len, default="")
    return [most[at : at + 40] for at in range(len(most) - 39)]


@given(secret=SECRETS, data=st.data())
def test_runs_are_hidden_in_any_case(secret: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(secret) - RUN_CHARS))
    run = secret[at : at + RUN_CHARS]
    mixed = "".join(data.draw(st.sampled_from([one, one.swapcase()])) for one in run)
    if len(mixed) == RUN_CHARS and mixed.lower() == run.lower():  # a few letters become others
        assert run.strip().lower() not in Redactor([secret]).hide(f"is {mixed} known?").lower()


@given(text=st.text(), secret=SECRETS)
def test_the_rest_stays(text: str, secret: str) -> None:
    redactor = Redactor([secret])
    assert redactor.hide(text) == text or redactor.finds(text)


@given(
    st.text(st.sampled_from("%&;#x\\u0041'\" …İ\ud800=ab26"), max_size=40),
    st.text(max_size=20),
    st.text(max_size=9),
)
def test_any_text_is_read(text: str, secret: str, password: str) -> None:
    """Half escapes, half characters, letters that are two in lower case."""
    redactor = Redactor([secret], password)
    assert isinstance(redactor.hide(text + secret + text), str)
    line = redactor.line(text)
    assert len(line) <= SHOWN_CHARS
    assert line.isprintable()


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (f"Incorrect API key provided: {KEY}. Look it up.", "Incorrect API key provided: … Look it up."),
        (f"key {KEY[:12]}********{KEY[-4:]} is wrong", "key … is wrong"),
        (f"the key ending in {KEY[-9:]}, is wrong", "the key ending in …, is wrong"),
        (f"GET /x?key={KEY}&model=m failed", "GET /x?key=…&model=m failed"),
        (f'{{"key":"{KEY}","model":"m"}}', '{"key":"…","model":"m"}'),
        (f"{KEY[: RUN_CHARS - 1]} is a common beginning", "sk-… is a common beginning"),
        (f"ends in {KEY[1 - RUN_CHARS :]}", f"ends in {KEY[1 - RUN_CHARS :]}"),
        ("Use a local server, or none", "Use a local server, or none"),
        (f"{KEY} {KEY} {KEY}", "… … …"),
        ("sk-upstream1 at https://me:geheim@x.invalid/", "sk-… at https://x.invalid/"),
    ],
)  # fmt: skip
def test_what_is_left(said: str, shown: str) -> None:
    assert Redactor([KEY, "local", "none"]).line(said) == shown


def test_a_short_password_is_hidden_where_it_stands_alone() -> None:
    line = Redactor(["docs:geheim"], "geheim").line
    assert line("no 'geheim' here") == "no '…' here"
    assert line("no GEHEIM here") == "no … here"
    assert line("docs%3Ageheim") == "…"
    assert line("geheimnisvoll") == "geheimnisvoll"
    assert Redactor(["a:is"], "is").line("this is it") == "this is it"


# --- long texts -------------------------------------------------------------------------------


@pytest.mark.parametrize("blank", [" ", "\n", "\x00 ", "."])
@pytest.mark.parametrize("spelling", ["plain", "JSON, each character", "URL, twice", "base64"])
def test_no_cut_leaves_a_part(blank: str, spelling: str) -> None:
    """Wherever a long text is cut, be it in the middle of a key."""
    redactor = Redactor([KEY])
    part = SPELLINGS[spelling](KEY)
    for place in range(READ_CHARS - len(part) - 10, READ_CHARS + 10, 3):
        text = (blank * place)[: place - 1] + " " + part
        line = redactor.line(text)
        shown = line.replace(".", "").strip("… ")
        assert shown == "", (place, line)


@pytest.mark.parametrize("place", range(SHOWN_CHARS - 60, SHOWN_CHARS + 5))
def test_no_cut_for_show_leaves_a_part(place: int) -> None:
    line = Redactor([KEY]).line(("word " * place)[:place] + f" {KEY} behind")
    assert len(line) <= SHOWN_CHARS
    assert "sk-" not in line
    assert KEY[:4] not in line


def test_the_address_of_another_server_that_a_cut_went_through() -> None:
    text = "x " * 100 + " " * (READ_CHARS - 220) + "http://relay:geheim@images.invalid/"
    for more in range(40):
        assert "geh" not in Redactor([]).line(" " * more + text)


def test_very_long_words_are_no_trouble() -> None:
    """Patterns that try each beginning would take minutes for these."""
    for text in ("a" * 10**7, "*" * 10**7, "Bearer " * 10**6, "://" * 10**6, "&#x41;" * 10**6):
        assert len(Redactor([KEY]).line(text)) <= SHOWN_CHARS


# --- what counts as a secret ------------------------------------------------------------------


def test_secrets_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = f"X-Api-Key: {KEY}\nX-Short: abc\nAuthorization: Bearer abcdefgh12345\nbroken"
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", headers)
    monkeypatch.setenv("https_proxy", "http://proxy-user:pass%2Fword@127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "no-scheme:secret@127.0.0.1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    endpoint = find_endpoint(ProviderSettings(base_url="http://127.0.0.1/v1"))
    basic = base64.b64encode(b"proxy-user:pass/word").decode()
    said = f"{KEY} abc; abcdefgh12345 {basic} user:pass/word no-scheme:secret 127.0.0.1"
    assert endpoint.redact(said) == "… abc;… … … … 127.0.0.1"
    assert KEY not in repr(endpoint)
    assert "secret" not in repr(endpoint)


def test_bytes_that_are_no_text_in_a_credential() -> None:
    """As Python reads them from the environment."""
    endpoint = find_endpoint(ProviderSettings("http://docs:\udcff123456789@127.0.0.1/v1"))
    assert endpoint.redact("not \udcff123456789!") == "not …"
