"""What a terminal would obey does not reach it."""

import pytest

from acceltui.runs.text import clean


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("step 5,000: best so far", "step 5,000: best so far"),
        ("Größe ±1 日本 😀", "Größe ±1 日本 😀"),
        ("[bold]markup[/bold] stays", "[bold]markup[/bold] stays"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x9b2Jgone", "gone"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]52;c;c2VjcmV0\x1b\\text", "text"),
        ("\x1bP1$qm\x1b\\text", "text"),
        ("\x1b(0text", "text"),
        ("\x1bctext", "text"),
        ("end\x1b", "end"),
        ("half\x1b]0;never ended", "half"),
        ("a\x00\x08\x7fb", "ab"),
        ("two\nlines\r\nand\ttab", "two lines and tab"),
        ("para\u2029graph", "para graph"),
        ("abc\u202edcba\u202c", "abcdcba"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("half\ud800pair", "halfpair"),
        (7, "7"),
        (None, "None"),
    ],
)
def test_clean(text: object, shown: str) -> None:
    assert clean(text) == shown


def test_it_is_linear_in_hostile_text() -> None:
    assert clean("\x1b]" * 200_000 + "\x1b[" * 200_000) == ""
