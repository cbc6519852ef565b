"""How the commands are used."""

from bot.core.inventory import STATUSES
from bot.render.blocks import Message, header, section

EXAMPLES = (
    "/units site=Camden status=available",
    "/units A-012",
    "/units type=25 sort=price",
    "/units q=A-1 status=any share",
)

RESERVE_EXAMPLES = ("/reserve A-012 Jane Doe", "/reserve A-012 jane@example.com site=Camden", "/reserve unit_x ten_y")

EXAMPLES_OF = {"/units": EXAMPLES, "/reserve": RESERVE_EXAMPLES, "/unitbot": ("/unitbot whoami", "/unitbot status")}

RESERVE_EXPECTED = {
    "unit": "a unit's reference or id",
    "tenancy": "a customer's name, an e-mail address or a tenancy's id",
}
"""What the arguments of `/reserve` take, beside `site`."""

EXPECTED = {
    "site": "a site's name, a part of it, or its id; several with commas",
    "status": f"{', '.join(f'`{status}`' for status in STATUSES)} or `any`; several with commas",
    "type": "a unit type's name, size, a part of it, or its id; several with commas; `size=` is the same",
    "q": "a part of a unit's reference, up to 100 characters",
    "created_after": "a date or date and time such as `2026-11-01` or `2026-11-01T09:30`, that moment included",
    "created_before": "a date or date and time after `created_after`, that moment left out",
    "sort": "`reference`, `newest`, `oldest` or `price`",
    "limit": "how many units at a time, 1 to 100",
    "page": "a whole number, 1 or more",
    "share": "posts the answer in the channel, for everybody",
}
"""What each argument of `/units` takes: help and the messages about a wrong value say the same."""


def render_help() -> Message:
    """`/units help`."""
    intro = "Finds units. Without arguments it shows those that are available."
    examples = "\n".join(f"`{example}`" for example in EXAMPLES)
    arguments = "\n".join(f"`{name}{'=' if name != 'share' else ''}` {meaning}" for name, meaning in EXPECTED.items())
    words = "Bare words work too: a status, a site, a unit type, or a unit's reference or id, which shows its card."
    parts = [intro, f"*Examples*\n{examples}", f"*Arguments*\n{arguments}", words]
    return Message("\n\n".join(parts), (header("/units"), *(section(part) for part in parts)))
