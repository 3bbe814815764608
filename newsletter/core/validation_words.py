"""What a validator refused, in words that say what is wanted instead; no pattern, no type name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_SHOWN = 60


def wanted(sentence: str) -> WrapValidator:
    """The last word of an annotated type: whatever it refuses is answered with this sentence."""

    def check(value: object, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError as err:
            raise ValueError(f"{sentence}{_not(value)}") from err

    return WrapValidator(check)


def place(error: ErrorDetails) -> str:
    """Where it stands, with dots, as one would set it: `names.my`, `categories.1.key`.

    What stands in a row is counted from 1, as people do.
    """
    counted = (part + 1 if isinstance(part, int) else part for part in error["loc"])
    return ".".join(str(part) for part in counted if part != "[key]")


def words(error: ErrorDetails) -> str:
    """What is wanted there, with an example where the kind of value alone would not say it."""
    kind, given = error["type"], _not(error["input"])
    context: Mapping[str, Any] = error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "missing":
        return "it is missing; write it as a line of its own, KEY = VALUE"
    if kind == "literal_error":
        return f"it must be one of {context['expected']}{given}"
    known = next((say for start, say in _KINDS.items() if kind.startswith(start)), None)
    if known is not None:
        return known(context) + given
    return error["msg"][:1].lower() + error["msg"][1:]


_KINDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "int_": lambda _: "it must be a whole number, such as 5",
    "float_": lambda _: "it must be a number, such as 2.5",
    "bool_": lambda _: "it must be true or false",
    "string_type": lambda _: 'it must be a text in quotation marks, such as "this"',
    "dict_type": lambda _: "it must be a [section] with a line for each key",
    "model_": lambda _: "it must be a [section] with a line for each key",
    "list_type": lambda _: 'it must be a list, such as ["en", "my"]',
    "greater_than_equal": lambda context: f"it must be {context['ge']} or more",
    "greater_than": lambda context: f"it must be more than {context['gt']}",
    "less_than_equal": lambda context: f"it must be {context['le']} or less",
    "too_short": lambda context: f"it must hold at least {context['min_length']}",
    "string_too_long": lambda context: f"it may be {context['max_length']} characters long",
}


def _not(value: object) -> str:
    """What was given, when that is short and of one line."""
    if not isinstance(value, str | int | float) or not 0 < len(str(value)) <= _SHOWN:
        return ""
    return f", not '{value}'" if str(value).isprintable() else ""
