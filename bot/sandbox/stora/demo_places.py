"""Where the demo operator rents out: four sites with their hours, and three unit types each."""

from bot.sandbox.stora.demo_people import HOSTILE_UNIT_TYPE
from bot.sandbox.stora.shapes import DAYS, OPEN_ALL_DAY, Place, Room, hours

_WEEKDAYS = DAYS[:5]

SITES = (
    (
        "Camden",
        Place(
            "214 Camden High Street",
            "London",
            "NW1 8QR",
            "020 7946 0112",
            {day: hours("06:00", "22:00") for day in _WEEKDAYS}
            | {"saturday": hours("08:00", "20:00"), "sunday": hours("10:00", "16:00")},
        ),
    ),
    (
        "Hackney Wick",
        Place(
            "9 Wallis Road",
            "London",
            "E9 5LN",
            "020 7946 0145",
            {day: hours("07:30", "19:00") for day in _WEEKDAYS} | {"saturday": hours("09:00", "17:00")},
            line_2="Unit 3, Canal Yard",
        ),
    ),
    (
        "Bristol Harbourside",
        Place("Cannons Road", "Bristol", "BS1 5UH", "0117 496 0178", dict.fromkeys(DAYS, OPEN_ALL_DAY)),
    ),
    (
        "King's Cross",
        Place(
            "40 York Way",
            "London",
            "N1C 4AB",
            "020 7946 0191",
            dict.fromkeys(_WEEKDAYS, OPEN_ALL_DAY) | {"saturday": hours("06:00", "23:30")},
            line_2="Ground floor",
        ),
    ),
)
"""Name and place of each site. Hackney Wick and King's Cross are closed on Sundays."""

SITE_SHARES = (0.35, 0.25, 0.25, 0.15)
"""How much of all units each site has."""


def _room(square_feet: int, sides: tuple[float, float], prices: dict[str, int], *points: str) -> Room:
    return Room(f"{square_feet} sq ft", 8.0, sides[0], sides[1], prices, points)


UNIT_TYPES = (
    (
        ("Locker", _room(10, (2.5, 4), {"weekly": 900, "monthly": 3600}, "Fits six archive boxes")),
        ("Small room", _room(25, (5, 5), {"weekly": 1850, "monthly": 7400}, "A studio flat", "Lift access")),
        ("Large room", _room(100, (10, 10), {"weekly": 5275, "monthly": 21100}, "A three-bedroom house")),
    ),
    (
        ("Small room", _room(25, (5, 5), {"weekly": 1600, "monthly": 6400}, "A studio flat")),
        ("Medium room", _room(50, (5, 10), {"weekly": 2750}, "A one-bedroom flat")),
        ("Garage", _room(150, (10, 15), {"weekly": 6900, "monthly": 27600}, "Drive-up access")),
    ),
    (
        ("Small room", _room(25, (5, 5), {"weekly": 1450, "monthly": 5800}, "A studio flat")),
        ("Medium room", _room(50, (5, 10), {"weekly": 2400, "monthly": 9600}, "Dehumidified")),
        ("Boat store", _room(250, (10, 25), {"monthly": 41250}, "Trailer access by the slipway")),
    ),
    (
        ("Locker", _room(10, (2.5, 4), {"weekly": 1150, "monthly": 4600}, "Next to the station")),
        ("Small room", _room(25, (5, 5), {}, "Price on request")),
        (HOSTILE_UNIT_TYPE, _room(75, (7.5, 10), {"weekly": 4950, "monthly": 19800}, "<!channel> climate control")),
    ),
)
"""Three unit types per site: one is weekly only, one monthly only, and one has no price."""
