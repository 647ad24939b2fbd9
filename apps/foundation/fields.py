"""Model fields of the house."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from apps.foundation import money


class MoneyField(models.DecimalField):
    """``NUMERIC(36,18)``: money, prices and quantities at the ledger's scale.

    More than 18 decimals are cut toward zero. Floats, NaN and infinity are refused: ``TypeError`` or ``ValueError``
    where code writes them, ``ValidationError`` where a form does.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        options["max_digits"] = money.DIGITS
        options["decimal_places"] = money.SCALE
        super().__init__(*args, **options)

    def deconstruct(self) -> Any:
        name, path, arguments, options = super().deconstruct()
        del options["max_digits"], options["decimal_places"]
        return name, path, arguments, options

    def to_python(self, value: Any) -> Any:
        if value is None:
            return None
        try:
            return money.exact(value)
        except (TypeError, ValueError) as error:
            raise ValidationError(str(error), code="invalid") from None

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else money.exact(value)
