"""Text from a run folder is anyone's text: before it reaches a terminal, what a terminal would obey is taken out."""

import re
import unicodedata

ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # control sequences: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # strings: titles, clipboard
    r"|\x1b[ -/]*[0-~]?"  # anything else that begins with an escape
)
SPACES = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")


def clean(text: object) -> str:
    """One line of `text` that is safe to print: no escape sequences, control, invisible or bidirectional characters.

    Line ends and tabs become a space. Markup is left as it is: escaping it is the business of who renders markup.
    """
    plain = SPACES.sub(" ", ESCAPES.sub("", str(text)))
    if plain.isascii() and plain.isprintable():
        return plain
    return "".join(character for character in plain if unicodedata.category(character) not in ("Cc", "Cf", "Cs"))


def clean_lines(text: str) -> str:
    """The same for a text of several lines."""
    return "\n".join(map(clean, text.split("\n")))
