"""Metrics over resumes: what was taken back is not shown, whenever one began to read."""

import random

import pytest

from acceltui.runs import jsonl
from acceltui.runs.folder import RunFolder
from acceltui.runs.metrics import MetricsReader, MetricsWriter, Row, apply_rewinds, is_rewind, is_void


def write_attempts(folder: RunFolder, *attempts: tuple[int, int, list[int]]) -> None:
    """Write attempts of (number, step rewound to or -1, steps)."""
    for attempt, rewound, steps in attempts:
        writer = MetricsWriter(folder.metrics, attempt)
        if rewound >= 0:
            writer.rewind(rewound)
        for step in steps:
            writer.append(step, "accelerate", {"loss/critic": step + attempt / 10})
        writer.close()


HISTORIES = [
    ([(1, -1, [500, 1000, 1500])], [500.1, 1000.1, 1500.1]),
    ([(1, -1, [500, 1000, 1500]), (2, 500, [1000])], [500.1, 1000.2]),
    ([(1, -1, [500, 1000]), (2, 0, [500, 1000, 1500]), (3, 1000, [1500])], [500.2, 1000.2, 1500.3]),
    ([(1, -1, [500, 1000]), (2, 1000, []), (3, 500, [1000])], [500.1, 1000.3]),
    ([(1, -1, [500]), (2, 0, [])], []),
]


@pytest.mark.parametrize(("attempts", "losses"), HISTORIES)
def test_one_look_at_the_end_shows_what_happened(
    folder: RunFolder, attempts: list[tuple[int, int, list[int]]], losses: list[float]
) -> None:
    write_attempts(folder, *attempts)
    assert [row["loss/critic"] for row in apply_rewinds(MetricsReader(folder.metrics).poll())] == losses


@pytest.mark.parametrize(("attempts", "losses"), HISTORIES)
def test_a_reader_that_watched_all_along_shows_the_same(
    folder: RunFolder, attempts: list[tuple[int, int, list[int]]], losses: list[float]
) -> None:
    reader, shown = MetricsReader(folder.metrics), []
    for attempt in attempts:
        write_attempts(folder, attempt)
        for row in reader.poll():
            shown = [old for old in shown if not is_void(old, row)] if is_rewind(row) else [*shown, row]
    assert [row["loss/critic"] for row in shown] == losses


@pytest.mark.parametrize(("attempts", "losses"), HISTORIES)
def test_a_reader_that_takes_a_row_at_a_time_shows_the_same(
    folder: RunFolder,
    attempts: list[tuple[int, int, list[int]]],
    losses: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jsonl, "AT_ONCE", 120)
    monkeypatch.setattr(jsonl, "LONGEST_LINE", 119)
    write_attempts(folder, *attempts)
    reader = MetricsReader(folder.metrics)
    polls = [reader.poll()]
    while reader.share < 1:
        polls.append(reader.poll())
    assert len(polls) > 1
    assert [row["loss/critic"] for row in apply_rewinds(row for rows in polls for row in rows)] == losses


def test_numbers_go_on_from_the_end_of_a_long_file(folder: RunFolder) -> None:
    write_attempts(folder, (1, -1, list(range(0, 500_000, 500))))
    assert folder.metrics.stat().st_size > 1 << 16
    write_attempts(folder, (2, 1000, [1500]))
    assert MetricsReader(folder.metrics).poll()[-1]["seq"] == 1000


def test_an_attempt_keeps_its_own_rows() -> None:
    rows = [{"step": 900, "attempt": 2}, {"rewind_to": 500, "attempt": 2}]
    assert apply_rewinds(rows) == rows[:1]


def test_rows_have_what_scripts_rely_on(folder: RunFolder) -> None:
    write_attempts(folder, (1, -1, [500, 1000]), (2, 500, [1000]))
    rows = apply_rewinds(MetricsReader(folder.metrics).poll())
    assert [row["seq"] for row in rows] == [0, 2]
    assert [(row["attempt"], row["step"], row["stage"]) for row in rows] == [
        (1, 500, "accelerate"),
        (2, 1000, "accelerate"),
    ]
    assert all(row["time"] > 0 for row in rows)


def test_any_rewinds_take_back_what_each_alone_would() -> None:
    draw = random.Random(0)
    for _ in range(300):
        rows: list[Row] = []
        for _ in range(draw.randrange(40)):
            kind = draw.choice(["step", "step", "rewind_to"])
            rows.append({kind: draw.randrange(6), "attempt": draw.randrange(5)})
        kept: list[Row] = []
        for row in rows:
            kept = [old for old in kept if not (is_rewind(row) and is_void(old, row))]
            kept += [] if is_rewind(row) else [row]
        assert apply_rewinds(rows) == kept


def test_a_replaced_file_takes_back_all_that_was_shown(folder: RunFolder) -> None:
    write_attempts(folder, (3, -1, [500, 1000]))
    reader = MetricsReader(folder.metrics)
    shown = reader.poll()
    folder.metrics.unlink()
    write_attempts(folder, (1, -1, [500]))
    assert [row["loss/critic"] for row in apply_rewinds([*shown, *reader.poll()])] == [500.1]


def test_what_is_no_row_is_left_out(folder: RunFolder) -> None:
    lines = [
        '{"step": "many", "attempt": 1}',
        '{"rewind_to": null, "attempt": 2}',
        '{"step": true, "attempt": 1}',
        "{}",
    ]
    folder.metrics.write_text("\n".join([*lines, '{"step": 5, "attempt": 1}', ""]))
    assert MetricsReader(folder.metrics).poll() == [{"step": 5, "attempt": 1}]
