"""Damage to files, each piece of it a function of a case's name alone, so that any case can be had again."""

import copy
import json
import random
import re
from collections.abc import Callable
from typing import Any

EDGES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 7, 0.5, -0.0, 1e-300, 1e308, -1e308, 2**31, 2**53 + 1, 2**63, -(2**63), 10**12,
    10**30, 10**400, float("nan"), float("inf"), float("-inf"), "", " ", "null", "nan", ".inf", "0", "1e5", "no", "~",
    "..", "/", "/dev/zero", "a" * 300, "a" * 70_000, "\x1b[2J\x1b]0;title\x07", "\u202eevil", "\ud800", "\x00", "é",
    "[bold]", "$(touch x)", "os:system", [], {}, [[]], [None], {"": None}, [1, "a", None], {"kind": "mlp"},
    {"a": {"b": {}}}, [0] * 500, {str(number): number for number in range(200)},
)  # fmt: skip
"""Values of every type, at the ends of their ranges and beyond."""
BYTES = (
    b"\x00", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xc3", b"\xed\xa0\x80", b"\x1b[31m", b"\x9b2J", b"\x85",
    "\u202e".encode(), "\u2028".encode(), "\u200b".encode(), "\U0001f600".encode(), b"\r", b"\r\n", b"\t", b"\n",
    b"\n\n---\n", b"\n...\n", b"%YAML 99999999999999999999.1\n", b"%TAG ! !\n", b"#", b": ", b"- ", b"? ", b"| ",
    b">-\n", b"&a ", b"*a ", b"&a [*a]", b"<<: *a\n", b"!!python/object/apply:os.system ['touch x'] ", b"!!binary ",
    b"!<x> ",
    b"! ", b"@", b"`", b"%", b"'", b'"', b'"\\UFFFFFFFF"', b'"\\x1b[2J"', b"{", b"}", b"[", b"]", b",", b"{{}: {}}",
    b"[" * 40, b"{a: " * 40, b"[" * 5_000, b"- " * 5_000, b"? " * 5_000, b"a" * 5_000, b" " * 5_000, b"9" * 5_000,
    b"1e999", b"-1", b"0", b".nan", b".inf", b"-.inf", b"null", b"yes", b"0x7fffffffffffffff", b"0o777", b"1_000_000",
    b"\n" * 3_000, b"extends: pendulum_quick.yaml\n", b"extends: /dev/zero\n", b"extends: .\n", b"NaN", b"Infinity",
    b"x: &x [1,1,1,1,1,1,1,1]\ny: &y [*x,*x,*x,*x,*x,*x,*x]\nz: &z [*y,*y,*y,*y,*y,*y]\nw: [*z,*z,*z,*z,*z,*z,*z]\n",
)  # fmt: skip
"""What upsets readers of text, of YAML and of JSON."""
WORD = re.compile(rb"[\w.+-]+")
ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "latin-1", "cp037", "utf-7")


def generator(seed: int, number: int, what: str = "") -> random.Random:
    """The generator of one case."""
    return random.Random(f"{what}-{seed}-{number}")


def damaged(data: bytes, draw: random.Random) -> bytes:
    """Bytes of a file after one to three mishaps."""
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        data = draw.choice(MISHAPS)(data, draw)
    return data


def flip(data: bytes, draw: random.Random) -> bytes:
    """Some bits turn over."""
    changed = bytearray(data)
    for _ in range(draw.choice((1, 2, 8)) if changed else 0):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def truncate(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data) + 1)]


def insert(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data) + 1)
    return data[:at] + draw.choice(BYTES) + data[at:]


def cut(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data) + 1)
    return data[:at] + data[at + draw.choice((1, 2, 10, 100)) :]


def change_lines(data: bytes, draw: random.Random) -> bytes:
    """A line is doubled, lost, moved, or indented otherwise."""
    lines = data.splitlines(keepends=True) or [b""]
    at = draw.randrange(len(lines))
    match draw.randrange(6):
        case 0:
            lines.insert(draw.randrange(len(lines)), lines[at])
        case 1:
            del lines[at]
        case 2:
            lines.insert(draw.randrange(len(lines)), lines.pop(at))
        case 3:
            lines[at] = draw.choice((b" ", b"  ", b"    ", b"\t", b" " * 300)) + lines[at]
        case 4:
            lines[at] = lines[at].lstrip()
        case 5:
            lines.insert(at, draw.choice(BYTES) + b"\n")
    return b"".join(lines)


def change_word(data: bytes, draw: random.Random) -> bytes:
    """A key or a value becomes another one of the file, or something that upsets readers."""
    words = list(WORD.finditer(data))
    if not words:
        return data
    word, other = draw.choice(words), draw.choice(words)[0]
    new = other if draw.random() < 0.5 else draw.choice(BYTES)
    return data[: word.start()] + new + data[word.end() :]


def recode(data: bytes, draw: random.Random) -> bytes:
    """The file is saved in another encoding."""
    return data.decode("utf-8", "replace").encode(draw.choice(ENCODINGS), "replace")


def replace_all(data: bytes, draw: random.Random) -> bytes:
    """Nothing of it is left."""
    return draw.choice(
        (b"", b"\n", b"\x00" * 4096, draw.randbytes(200), b"null", b"[]", b"{}", b'"a"', b"0", b"\x80\x04N.")
    )


MISHAPS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flip, truncate, insert, insert, insert, cut, change_lines, change_lines, change_word, change_word, recode,
    replace_all,
)  # fmt: skip


def changed(document: Any, draw: random.Random) -> Any:
    """A document with one to three of its values or keys changed."""
    document = copy.deepcopy(document)
    for _ in range(draw.choice((1, 1, 2, 3))):
        places = list(containers(document))
        if not places:
            return copy.deepcopy(draw.choice(EDGES))
        container = draw.choice(places)
        key = draw.choice(list(container)) if isinstance(container, dict) else draw.randrange(len(container))
        change(container, key, draw, places)
    return document


def change(container: Any, key: Any, draw: random.Random, places: list[Any]) -> None:
    """Change the entry `key` of a map or a list."""
    match draw.randrange(8):
        case 0:
            del container[key]
        case 1 if isinstance(container, dict):
            container[draw.choice(("", "x" * 80, f"{key}s", str(key)[1:], str(key).upper(), "<<", "\x1b[0m"))] = (
                container.pop(key)
            )
        case 2:
            container[key] = [container[key]]
        case 3:
            container[key] = {"kind": container[key]}
        case 4:
            for _ in range(draw.choice((5, 31, 200))):
                container[key] = {"a": container[key]} if draw.random() < 0.5 else [container[key]]
        case 5:
            other = draw.choice(places)
            container[key] = copy.deepcopy(draw.choice(list(other.values()) if isinstance(other, dict) else other))
        case 6 if isinstance(container[key], int | float) and not isinstance(container[key], bool):
            container[key] *= draw.choice((-1, 0, 2, 0.5, 10**9))
        case _:
            container[key] = copy.deepcopy(draw.choice(EDGES))


def containers(document: Any) -> list[Any]:
    """All maps and lists in a document that hold something."""
    found, todo = [], [document]
    while todo:
        value = todo.pop()
        if isinstance(value, dict | list) and value:
            found.append(value)
            todo.extend(value.values() if isinstance(value, dict) else value)
    return found


def depth(document: Any) -> int:
    """How many maps and lists lie in each other at the deepest place."""
    inside = list(document.values()) if isinstance(document, dict) else document if isinstance(document, list) else []
    return 1 + max(map(depth, inside), default=0)


def as_json(document: Any) -> bytes:
    """A document as bytes, lone surrogates and what is not finite included; JSON is YAML too."""
    return json.dumps(document).encode()
