"""Whom the demo operator rents to: everyday names, and names that attack whoever prints them unescaped."""

FIRST_NAMES = (
    "Amelia", "Oliver", "Isla", "George", "Ava", "Noah", "Mia", "Arthur", "Ivy", "Muhammad", "Lily", "Leo",
    "Freya", "Harry", "Priya", "Jack", "Sofia", "Archie", "Grace", "Theo", "Zainab", "Alfie", "Chloe", "Finley",
    "Niamh", "Rory", "Yusuf", "Ella", "Tomasz", "Ruby", "Callum", "Ananya", "Owen", "Jasmine", "Ewan", "Kwame",
    "Bethan", "Declan", "Mei", "Rhys",
)  # fmt: skip
LAST_NAMES = (
    "Smith", "Jones", "Patel", "Williams", "Brown", "Khan", "Taylor", "Davies", "Evans", "Wilson", "Thomas",
    "Roberts", "Johnson", "Walker", "Wright", "Robinson", "Thompson", "White", "Hughes", "Edwards", "Green", "Hall",
    "Clarke", "O'Connor", "Murphy", "Begum", "Singh", "Kowalski", "Nguyen", "Mensah", "Campbell", "MacLeod", "Price",
    "Bennett", "Cooper", "Hill", "Ward", "Morgan", "Ali", "Baker",
)  # fmt: skip

HOSTILE_CONTACTS = (
    ("<!channel> Free boxes", "channel@example.com"),
    ("<@U0FRONT>", "mention@example.org"),
    ("*Bold* _Italic_ ~Struck~", "bold@example.com"),
    ("`Robert`; ```DROP TABLE units```", "backticks@example.org"),
    ("<https://evil.example|click>", "link@example.com"),
    ("Fish &amp; Chips & Sons <Ltd>", "entities@example.org"),
    (("Maximilian-" * 28)[:300], "long@example.com"),
    ("\u202eelpmaxE\u202c Reversed", "override@example.org"),
    ("Tab\tNewline\nBell\x07 Null\x00", "control@example.com"),
    ("🚚 Removals 🏠👩‍👩‍👧", "emoji@example.org"),
    ("Siobhán O’Hara-D'Arcy", "o'hara@example.com"),
    (None, "no.name@example.com"),
    ("<!here|everyone> @channel", "here+<!here>@example.org"),
)
"""Full name and e-mail of tenants whose name must be escaped, clipped, cleaned or replaced before it is shown."""

HOSTILE_REFERENCES = ("<!channel>-1", "*A*`01`<https://evil.example|click>", "B&amp;B-\u202e7", "X" * 120)
"""References of units that must be escaped or clipped before they are shown."""

HOSTILE_UNIT_TYPE = "*Archive* <!here> <https://evil.example|click> &amp; `vault`"
"""The name of a unit type that must be escaped before it is shown."""
