"""Many lines are read by another library, and give what few give, whatever is wrong with some of them."""

import json
from pathlib import Path

import pytest

from acceltui.runs import jsonl
from acceltui.runs.jsonl import MANY, JsonlReader

GOOD = [json.dumps({"step": step, "loss": step / 7, "none": None, "text": "é \u2028 [1],{"}) for step in range(3000)]
WRONG = ["", "{", "[1]", '{"a":1},{"b":2}', '"text"', '{"loss":NaN}', '{"loss":-Infinity}', '{"a":"\\ud800"}', "\udcff"]


def read(path: Path) -> tuple[list[dict], int]:
    reader = JsonlReader(path)
    return list(reader.catch_up()), reader.skipped


TORN = ['{"a":1', '"b":2}', '{"a":1},{"b":2}']
"""Three lines that would be three rows if they were read as one text."""


@pytest.mark.parametrize("wrong", [TORN, *([one] for one in WRONG), [], WRONG], ids=repr)
def test_many_lines_give_what_each_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: list[str]) -> None:
    path = tmp_path / "metrics.jsonl"
    lines = [*GOOD[:1500], *wrong, *GOOD[1500:]]
    path.write_bytes("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))
    assert path.stat().st_size > MANY
    rows, skipped = read(path)
    monkeypatch.setattr(jsonl, "MANY", 1 << 40)
    assert (rows, skipped) == read(path)
    assert len(rows) >= len(GOOD) and rows[0] == json.loads(GOOD[0]) and rows[-1] == json.loads(GOOD[-1])
