"""What a line of the lab does to packets: the relay's own process is driven by these values."""

from __future__ import annotations

from random import Random

from tests.lab.weather import CALM, Weather


def passed(weather: Weather, packets: int = 2000, every_seconds: float = 0.01) -> list[list[float]]:
    lot = Random(weather.seed)
    return [weather.delays(number * every_seconds, lot) for number in range(packets)]


def test_a_calm_line_passes_everything_on_at_once() -> None:
    assert passed(CALM, 100) == [[0.0]] * 100


def test_what_is_lost_doubled_and_late_keeps_to_its_share() -> None:
    weather = Weather(loss_share=0.2, duplicate_share=0.3, delay_ms=100, jitter_ms=150)
    found = passed(weather)
    assert 0.17 < found.count([]) / len(found) < 0.23
    assert 0.26 < sum(len(times) == 2 for times in found) / sum(bool(times) for times in found) < 0.34
    assert all(0.1 <= seconds <= 0.25 for times in found for seconds in times)
    assert found == passed(weather), "the seed reproduces"


def test_bursts_take_everything_and_a_cut_line_all() -> None:
    bursts = passed(Weather(burst_seconds=1, burst_every_seconds=3), packets=600)
    assert [bool(times) for times in bursts] == ([False] * 100 + [True] * 200) * 2
    assert passed(Weather(cut=True), 50) == [[]] * 50
