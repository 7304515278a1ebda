from __future__ import annotations

import polars as pl
import pytest

from labeler.data.errors import InputError
from labeler.reports.shares.groups import group_reviews


@pytest.mark.parametrize("values", [["x", "x "], [1.5, 1.5], [True, True], pl.Series(["x", "x"], dtype=pl.Categorical)])
def test_a_column_of_any_plain_type_makes_groups(values: object) -> None:
    groups, notes = group_reviews(pl.DataFrame({"rows": values}), "rows", None)
    assert (groups.n_unique(), groups.null_count(), notes) == (1, 0, [])


def test_nested_values_make_none() -> None:
    with pytest.raises(InputError, match=r"holds List\(Int64\)"):
        group_reviews(pl.DataFrame({"tags": [[1], [1]]}), "tags", None)


def test_months_are_those_of_the_dates_unless_a_column_is_called_so() -> None:
    columns = pl.DataFrame({"date": ["2025-01-31", "2025-02-01", None]})
    groups, notes = group_reviews(columns, "month", None)
    assert groups.to_list() == ["2025-01", "2025-02", None]
    assert notes == ["1 reviews have no date."]
    named = columns.with_columns(pl.Series("month", ["may", "may", "june"]))
    assert group_reviews(named, "month", None)[0].to_list() == ["may", "may", "june"]
