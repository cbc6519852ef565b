"""The morning digest in words: short, true, and nothing that anybody is called breaks it."""

from collections.abc import Iterable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.digest import Digest, NotSent, SiteCounts, Waiting
from bot.core.inventory import STATUSES
from bot.render.digest import MOST_SITES, render_digest, site_in_words, waiting_in_words
from bot.sandbox.slack.block_kit import check_message
from tests.render.conftest import NOW, addresses, labels, links, names, payload, shown
from tests.render.test_reserve import ids, moments, slow

PAGE = "https://app.stora.test/tenancies/ten_1"
CAMDEN = SiteCounts(
    site_id="site_1",
    name="Camden",
    statuses={"available": 42, "reserved": 3, "occupied": 100, "overlock": 2, "unavailable": 7},
    move_ins_today=3,
    of_them_waiting=1,
    move_ins_soon=5,
    waiting=4,
    reserved_yesterday=6,
)
QUIET = SiteCounts(site_id="site_2", name="Hackney Wick", statuses={})
JANE = Waiting(tenancy_id="ten_1", customer="Jane Doe", site_name="Camden", starts_at=NOW, backoffice_url=PAGE)
DIGEST = Digest(day=date(2026, 11, 21), due_at=NOW, as_of=NOW, sites=(CAMDEN, QUIET), waiting=(JANE,))


def test_it_says_what_is_free_who_comes_and_who_waits() -> None:
    message = render_digest(DIGEST)
    assert message.in_channel
    assert labels(message) == []
    for text in (message.text, shown(message)):
        assert text.startswith("Good morning: Saturday 21 November")
        for said in (
            "*Camden*\n🟢 42 available · 🟡 3 reserved · 🔵 100 occupied · 🔒 2 overlocked\n",
            "Move-ins: 3 today (1 without a unit) · 5 in the next 7 days · 4 tenancies wait for a unit",
            " · 6 reserved here yesterday",
            "*Hackney Wick*\n🟢 0 available",
            "*Waiting for a unit*, the soonest of 4:",
            f"• Sat 21 Nov 2026 · *Jane Doe* · Camden · <{PAGE}|Open in Backoffice>",
            "As of",
        ):
            assert said in text
    assert "warning" not in message.text


def test_what_is_nought_is_left_out() -> None:
    assert site_in_words(QUIET) == "*Hackney Wick*\n🟢 0 available"
    only_soon = SiteCounts(site_id="s", name="", statuses={}, move_ins_soon=1, waiting=1)
    assert (
        site_in_words(only_soon) == "*s*\n🟢 0 available\nMove-ins: 1 in the next 7 days · 1 tenancy waits for a unit"
    )
    quiet = render_digest(Digest(day=date(2026, 11, 21), due_at=NOW, as_of=NOW, sites=(QUIET,), waiting=()))
    assert "Waiting" not in quiet.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"starts_at": None, "backoffice_url": None}, "• No date · *Jane Doe* · Camden"),
        ({"customer": "\u200f", "site_name": ""}, f"• Sat 21 Nov 2026 · `ten_1` · <{PAGE}|Open in Backoffice>"),
        ({"backoffice_url": None}, "• Sat 21 Nov 2026 · *Jane Doe* · Camden"),
        ({"backoffice_url": PAGE + "x" * 400}, "• Sat 21 Nov 2026 · *Jane Doe* · Camden"),
    ],
    ids=["no date", "no name", "no page", "a page too long to show"],
)
def test_a_tenancy_is_named_by_what_there_is(changes: dict[str, object], said: str) -> None:
    assert waiting_in_words(JANE.model_copy(update=changes)) == said


def test_a_name_is_left_out_where_it_must_be() -> None:
    said = waiting_in_words(JANE, name_shown=False)
    assert "Jane" not in said
    assert "`ten_1`" in said


def test_what_is_wrong_is_said_first_and_with_what_to_do() -> None:
    not_sent = (
        NotSent(channel_id="C0OLD", error="is_archived", count=2),
        NotSent(channel_id="", error="forbidden", count=1),
        NotSent(channel_id="U0NADIA", error="<!here>", count=1),
    )
    digest = DIGEST.model_copy(
        update={"not_sent": not_sent, "silent_since": NOW - timedelta(hours=1), "complete": False}
    )
    message = render_digest(digest)
    for said in (
        "2 not sent to <#C0OLD> (`is_archived`): unarchive the channel",
        "1 not sent to Stora's notes",
        "1 not sent to <@U0NADIA> (`&lt;!here&gt;`)",
        "Stora has not answered since",
        "Not all tenancies have been read yet",
    ):
        assert said in message.text
        assert said in shown(message)
        assert message.text.index(said) < message.text.index("Camden")


def test_of_very_many_sites_the_first_are_told_and_the_rest_summed_up() -> None:
    sites = tuple(CAMDEN.model_copy(update={"site_id": f"s{number}"}) for number in range(MOST_SITES + 3))
    message = render_digest(DIGEST.model_copy(update={"sites": sites}))
    assert "and 3 more sites, with 126 units available" in shown(message)
    assert check_message(payload(message)) == []


counts = st.builds(
    SiteCounts,
    site_id=ids,
    name=names,
    statuses=st.dictionaries(st.sampled_from(STATUSES), st.integers(0, 99_999)),
    **dict.fromkeys(
        ["move_ins_today", "of_them_waiting", "move_ins_soon", "waiting", "reserved_yesterday"], st.integers(0, 99_999)
    ),
)
waiting = st.builds(
    Waiting,
    tenancy_id=ids,
    customer=names,
    site_name=names,
    starts_at=st.none() | moments,
    backoffice_url=addresses,
)
digests = st.builds(
    Digest,
    day=st.dates(),
    due_at=moments,
    as_of=moments,
    sites=st.lists(counts, max_size=4).flatmap(lambda some: st.sampled_from([1, 20]).map(lambda n: tuple(some * n))),
    waiting=st.lists(waiting, max_size=5).map(tuple),
    not_sent=st.lists(
        st.builds(NotSent, channel_id=st.sampled_from(["C0OLD", "", "U0NADIA"]), error=names, count=st.integers(1, 99)),
        max_size=9,
    ).map(tuple),
    silent_since=st.none() | moments,
    complete=st.booleans(),
)


def pages(tenancies: Iterable[Waiting]) -> set[str]:
    urls = [each.backoffice_url.replace("&", "&amp;") for each in tenancies if each.backoffice_url]
    return {f"<{url}|Open in Backoffice>" for url in urls}


@slow
@given(digests)
def test_no_name_breaks_it(digest: Digest) -> None:
    message = render_digest(digest)
    assert check_message(payload(message)) == []
    pages = {
        f"<{each.backoffice_url.replace('&', '&amp;')}|Open in Backoffice>"
        for each in digest.waiting
        if each.backoffice_url
    }
    assert set(links(message)) <= {"<#C0OLD>", "<@U0NADIA>", *pages}


def test_no_customer_stands_in_a_repr() -> None:
    assert "Jane" not in repr(DIGEST)
