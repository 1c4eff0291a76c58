"""The world's registration numbers are valid where a tax office would check them."""

from __future__ import annotations

import pytest
from stdnum.be import vat as be_vat
from stdnum.de import vat as de_vat
from stdnum.fr import tva
from stdnum.gb import vat as gb_vat
from stdnum.it import iva
from stdnum.jp import cn
from stdnum.nl import btw
from stdnum.us import ein

from arsync_pipelines.sandbox.core.world.tax_ids import tax_id

_VALIDATORS = {
    "US": ein,
    "DE": de_vat,
    "FR": tva,
    "IT": iva,
    "BE": be_vat,
    "NL": btw,
    "GB": gb_vat,
    "JP": cn,
}


@pytest.mark.parametrize("country", sorted(_VALIDATORS))
def test_every_number_is_valid_and_its_own(country: str) -> None:
    numbers = [tax_id(country, serial) for serial in range(1, 3000)]
    assert [number for number in numbers if not _VALIDATORS[country].is_valid(number)] == []
    assert len(set(numbers)) == len(numbers)


def test_a_country_without_generator_has_no_number() -> None:
    assert tax_id("CH", 1) == ""
