"""What cannot be read counts as absent: for members of an answer that nobody depends on."""

from typing import Any

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator


def _if_readable(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        return None


IfReadable = WrapValidator(_if_readable)
"""What cannot be read counts as absent, and costs nothing else in the answer."""
