"""What a route is given and what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.sandbox.stora.grants import Grant
from bot.sandbox.stora.refusals import Detail, Refusal
from bot.sandbox.stora.shapes import Resource
from bot.sandbox.stora.timestamps import moment
from bot.sandbox.stora.world import World


@dataclass(frozen=True, slots=True)
class Call:
    """One admitted request whose token is valid; ``raw`` is its body, ``now`` the epoch of its arrival."""

    world: World
    grant: Grant
    ids: tuple[str, ...]
    query: Mapping[str, str]
    raw: bytes
    now: float

    @property
    def at(self) -> datetime:
        """The moment of the call."""
        return moment(self.now)


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer: the wrapped resource and what ``meta`` holds besides request id and curies."""

    payload: Resource
    meta: Resource = field(default_factory=dict)
    status: int = 200


Handler = Callable[[Call], Reply]


class Body(BaseModel):
    """A request's JSON body; what it does not name is refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


BodyT = TypeVar("BodyT", bound=Body)


def read_body(model: type[BodyT], raw: bytes) -> BodyT:
    """Read a JSON body.

    Raises ``Refusal``: 400 when it is not JSON, 422 with a pointer to each field that is missing, wrong or unknown.
    """
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        problems = error.errors()
    if any(problem["type"] == "json_invalid" for problem in problems):
        raise Refusal("invalid_request", "The body is not valid JSON.")
    details = [Detail(each["msg"], _pointer(each["loc"])) for each in problems]
    raise Refusal("invalid_content", "The body is not acceptable: see the details.", *details)


def _pointer(steps: tuple[int | str, ...]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
