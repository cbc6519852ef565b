"""The tenancies that may need a unit, and finding one by what people know of the customer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from operator import attrgetter

from rapidfuzz import fuzz, process

from bot.core.inventory import one_case
from bot.core.names import LONGEST_TYPED, folded

MOST_FOUND = 100
"""Options that a Slack picker shows at most."""
ALIKE = 80
"""Out of 100: how like a name a misspelling must be to be offered."""


# No slots, here and below: what is searched is worked out once. And no customer in a repr, which may end in a log.
@dataclass(frozen=True)
class Tenancy:
    """A storage agreement of one customer at one site. Stora gives it no status: its dates and allocations say it."""

    id: str
    contact_id: str
    customer: str = field(repr=False)
    """The contact's full name; its e-mail address where it has none; empty where Stora names no contact."""
    email: str = field(repr=False)
    site_id: str
    starts_at: datetime | None
    """The move-in date."""
    ends_at: datetime | None
    allocations: tuple[str, ...]
    """Ids of its unit allocations; empty while it waits for a unit."""
    created_at: datetime
    updated_at: datetime
    backoffice_url: str | None = None

    @property
    def waits(self) -> bool:
        """Whether it has no unit yet."""
        return not self.allocations

    def is_current(self, at: datetime) -> bool:
        """Whether it has not ended."""
        return self.ends_at is None or self.ends_at > at

    @cached_property
    def name(self) -> str:
        """The customer's name as names are compared; empty where the e-mail address stands in for it."""
        return folded(self.customer) if self.customer != self.email else ""

    @cached_property
    def address(self) -> str:
        """The e-mail address as addresses are compared."""
        return one_case(self.email.strip())

    @cached_property
    def searched(self) -> str:
        """The words it is found by, a space before each: of the name, of the address before its `@`, and all of it."""
        mailbox, _, domain = self.address.partition("@")
        return f" {self.name} {folded(mailbox)} {self.address} @{domain}"


@dataclass(frozen=True)
class Tenancies:
    """The current tenancies as far as they have been read. Never changed, only succeeded."""

    by_id: Mapping[str, Tenancy] = field(repr=False)
    read_at: datetime
    """When the latest reading began."""
    complete: bool
    """Whether all that there are have been read; the newest come first."""

    @cached_property
    def in_order(self) -> tuple[Tenancy, ...]:
        """Those that wait for a unit first, by move-in date; then the others, newest first."""
        waiting = [tenancy for tenancy in self.by_id.values() if tenancy.waits]
        others = [tenancy for tenancy in self.by_id.values() if not tenancy.waits]
        waiting.sort(key=lambda tenancy: (tenancy.starts_at or tenancy.created_at, tenancy.customer))
        others.sort(key=attrgetter("created_at"), reverse=True)
        return (*waiting, *others)

    @cached_property
    def searched(self) -> tuple[str, ...]:
        """What each is found by, in the same order."""
        return tuple(tenancy.searched for tenancy in self.in_order)

    @cached_property
    def written_out(self) -> Mapping[str, Sequence[Tenancy]]:
        """A customer's whole name or e-mail address → the tenancies."""
        found: dict[str, list[Tenancy]] = {}
        for tenancy in self.in_order:
            for key in {tenancy.name, tenancy.address}:
                found.setdefault(key, []).append(tenancy)
        return found


def meant(typed: str, tenancies: Tenancies) -> list[Tenancy]:
    """The tenancies that this name, e-mail address or id plainly means; a misspelling means none.

    What is written out in full comes before what is a part: `Jane Doe` does not mean Jane Doerr when there is a
    Jane Doe.
    """
    if typed in tenancies.by_id:
        return [tenancies.by_id[typed]]
    keys = {folded(typed), one_case(typed.strip())} - {""}
    exactly = {each.id: each for key in keys for each in tenancies.written_out.get(key, ())}
    return list(exactly.values()) or _with_words(typed, tenancies)


def suggested(typed: str, tenancies: Tenancies, site_ids: Sequence[str] = (), first: str = "") -> list[Tenancy]:
    """What to offer while somebody types: what is meant, else what is spelt alike; nothing typed: those that wait.

    Args:
        typed: A part of a name or of an e-mail address, or an id.
        tenancies: Those there are.
        site_ids: Only of these sites; of any without.
        first: The site whose tenancies come before others'.
    """

    def there(found: Sequence[Tenancy]) -> list[Tenancy]:
        return [each for each in found if not site_ids or each.site_id in site_ids]

    typed = typed.strip()
    if not typed:
        return there(tenancies.in_order)[:MOST_FOUND]
    known = tenancies.by_id.get(typed)
    found = there([known] if known else _with_words(typed, tenancies))
    if not found:
        at_sites = there(tenancies.in_order)
        names = [each.name for each in at_sites]
        wanted = folded(typed)[:LONGEST_TYPED]
        alike = process.extract(wanted, names, scorer=fuzz.WRatio, score_cutoff=ALIKE, limit=MOST_FOUND)
        found = [at_sites[index] for _, _, index in alike]
    return sorted(found, key=lambda tenancy: bool(first) and tenancy.site_id != first)[:MOST_FOUND]


def _with_words(typed: str, tenancies: Tenancies) -> list[Tenancy]:
    """Those in which each word typed begins a word of the name or address; none where there is no word."""
    words: list[str] = []
    for word in typed.split():
        # An address is one word: `jane@example.com` is not another Jane with an address at example.com.
        words += [one_case(word)] if "@" in word else folded(word).split()
    if not any(map(folded, words)):
        return []
    found: Sequence[int] = range(len(tenancies.searched))
    for word in words:
        found = [index for index in found if f" {word}" in tenancies.searched[index]]
    return [tenancies.in_order[index] for index in found]
