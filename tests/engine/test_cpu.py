"""What a run costs in CPU seconds."""

import subprocess
import sys
import time

import pytest

from acceltui.engine.cpu import CpuClock

BUSY = "import time\nwhile time.process_time() < 0.4: pass\nprint('done', flush=True)\ninput()"


def work(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_what_other_processes_of_the_run_spend_counts_while_they_live_and_when_they_have_ended() -> None:
    clock = CpuClock()
    child = subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    living = clock.read()["cpu"]
    child.communicate(b"\n")
    assert living >= 0.35
    assert clock.read()["cpu"] >= living


def test_what_an_evaluation_spends_is_told_apart() -> None:
    clock = CpuClock()
    work(0.3)
    with clock.evaluating():
        work(0.2)
    spent = clock.read()
    assert spent["cpu"] == pytest.approx(0.5, abs=0.1)
    assert spent["cpu_evaluation"] == pytest.approx(0.2, abs=0.05)


def test_waiting_costs_nothing() -> None:
    clock = CpuClock()
    time.sleep(0.3)
    assert clock.read()["cpu"] < 0.1


def test_what_goes_on_costs_what_it_had_cost_and_more() -> None:
    clock = CpuClock({"cpu": 70.0, "cpu_evaluation": 20.0})
    work(0.1)
    spent = clock.read()
    assert 70.05 <= spent["cpu"] < 71
    assert spent["cpu_evaluation"] == 20
