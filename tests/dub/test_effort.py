"""What a language took: shared work shared out, money only where the plan has prices."""

from __future__ import annotations

import pytest

from dub.effort import Effort, StageWork, effort, shared_out, total
from dub.effort_rows import columns, duration, money, sentence
from dub.prices import Prices

PRICES = Prices(cpu_hour=0.36, gpu_hour=3.6, currency="EUR")  # 0.0001 and 0.001 a second
WORKS = (StageWork(stage="speak", seconds=10, n_cpu=2), StageWork(stage="lipsync", seconds=10, on_gpu=True))


def test_work_is_priced_by_the_slots_it_filled_or_the_gpu() -> None:
    took = effort(WORKS, PRICES, output_s=30)
    assert took.own_s == 20
    assert took.own_cost == pytest.approx(10 * 2 * 0.0001 + 10 * 0.001)
    assert took.cost_per_minute == pytest.approx(2 * (0.002 + 0.01))
    no_gpu_price = PRICES.model_copy(update={"gpu_hour": None})
    assert effort(WORKS, no_gpu_price).own_cost == pytest.approx(30 * 0.0001), "a GPU stage fills CPU slots too"


def test_without_prices_there_is_no_money_anywhere() -> None:
    once = effort([StageWork(stage="ingest", seconds=6)], None)
    es, failed = shared_out((effort(WORKS, None, output_s=60), Effort()), once)
    assert (es.shared_s, failed.shared_s) == (3, 3), "a language that failed has had its share"
    assert es.cost is None
    assert total((es, failed)).cost is None
    assert "EUR" not in sentence(es)
    assert not {"cost", "currency"} & set(columns(es))
    assert (es.work_s_per_minute, failed.work_s_per_minute) == (23, None)


def test_the_parts_add_up() -> None:
    once = effort([StageWork(stage="ingest", seconds=7)], PRICES)
    languages = shared_out([effort(WORKS, PRICES, output_s=60) for _ in range(3)], once)
    whole = total(languages)
    assert whole.work_s == pytest.approx(7 + 3 * 20)
    assert whole.cost == pytest.approx(7 * 0.0001 + 3 * 0.012)
    assert whole.currency == "EUR"


@pytest.mark.parametrize(
    ("amount", "text"),
    [(None, "–"), (0.0, "0.00 EUR"), (0.00123, "0.0012 EUR"), (0.5, "0.50 EUR"), (12.3, "12.30 EUR")],
)
def test_money_is_rounded_to_what_can_be_read(amount: float | None, text: str) -> None:
    assert money(amount, "EUR") == text


def test_durations_take_the_unit_that_fits() -> None:
    assert [duration(seconds) for seconds in (0, 119.96, 600, 7200)] == ["0.0 s", "120.0 s", "10.0 min", "2.0 h"]
