"""A confirmed decision → Stora → the record: what was claimed is sent, and how it ended is written down once."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.core.inventory import Unit
from bot.core.kept import Seen
from bot.core.problems import (
    DatabaseUnusable,
    NotFound,
    OutcomeUnknown,
    Problem,
    Refused,
    StoraBusy,
    StoraDown,
    StoraLogin,
)
from bot.core.reservations import Decision, Outcome, Proposal
from bot.core.telling import Channels, owed
from bot.stora.directory import Directory
from bot.stora.tenancies import TenancyBook
from bot.stora.writes import StoraWrites
from bot.store.reservations import Reservations

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=15)
"""How long a claim is believed to be worked on. Whoever works on it says so again every third of that."""
SENT_AGAIN_FOR = timedelta(minutes=2)
"""How long after its confirmation a decision may still be sent. Later, the person may have done something else."""
FIRST_LOOK = timedelta(seconds=3)
LAST_LOOK = timedelta(minutes=5)
"""How soon, and how rarely at last, an unknown outcome is looked into; doubled each time."""
LOOKS_ENOUGH = 6
"""Looks after which ``SENT_AGAIN_FOR`` is over in any case, by these intervals, whatever the clock says."""


@dataclass(frozen=True, slots=True)
class CarryOut:
    """What it takes to bring a claimed decision to its end."""

    writes: StoraWrites
    directory: Directory
    tenancies: TenancyBook
    reservations: Reservations
    channels: Channels
    now: Callable[[], datetime]
    something_owed: asyncio.Event
    lease: timedelta = LEASE
    counted: Callable[[str], None] = lambda _: None
    """Told of each state that a reservation has come to."""

    async def send(self, decision: Decision) -> Outcome:
        """Send a decision that this process has claimed, and record how it ended.

        Raises:
            DatabaseUnusable: it could not be recorded; whoever takes over the claim will find out.
        """
        async with self.claim_kept(decision):
            return await self._recorded(decision, await self._first_sent(decision))

    async def find_out(self, decision: Decision) -> Outcome:
        """Bring an interrupted or unknown decision to its end: ask Stora, and send it again while it is young.

        Raises:
            DatabaseUnusable: it could not be recorded; it will be found out again.
        """
        async with self.claim_kept(decision):
            return await self._recorded(decision, await self._found_out(decision))

    async def _first_sent(self, decision: Decision) -> Outcome:
        if self._too_late(decision):  # we slept, and somebody else may have brought it to its end
            return Outcome("unknown")
        if decision.proposal.action == "release":
            # Stora is not told whose unit it is to take back, so it must still be that tenancy's, and only reserved.
            try:
                unit, ours = await self._holder(decision)
            except (Refused, NotFound, StoraLogin, StoraBusy, StoraDown) as unsent:
                return _refusal(unsent)
            if not ours:
                return Outcome("refused", code="not_ours")
            if unit.status != "reserved":
                return Outcome("refused", code="moved_in")
        return await self._sent(decision, again=False)

    async def _sent(self, decision: Decision, *, again: bool) -> Outcome:
        proposal = decision.proposal
        key, at = proposal.idempotency_key, self.now()
        try:
            if proposal.action == "reserve":
                unit = await self.writes.reserve_unit(proposal.unit_id, proposal.tenancy_id, key, again=again)
            else:
                unit = await self.writes.deallocate_unit(proposal.unit_id, key, again=again)
        except OutcomeUnknown as lost:
            refusal = _refusal(lost.said) if lost.said else Outcome("unknown", code=lost.cause)
            return replace(refusal, state="unknown", request_id=lost.request_id)
        except (Refused, NotFound, StoraLogin, StoraBusy) as refused:
            return _refusal(refused)
        self._learn(proposal.tenancy_id, unit, at)
        return Outcome("done", allocation_id=unit.allocation_id or None)

    async def _found_out(self, decision: Decision) -> Outcome:
        proposal = decision.proposal
        try:
            unit, ours = await self._holder(decision)
        except NotFound as gone:
            return _refusal(gone)
        except Problem as problem:
            log.info("outcome still unknown", decision=proposal.id, problem=repr(problem))
            return Outcome("unknown")
        if ours == (proposal.action == "reserve"):
            return Outcome("done", allocation_id=unit.allocation_id if ours else None)
        if self._too_late(decision):
            # What Stora said to a later request with the same key is known by now to hold for the first one too.
            earlier = decision.outcome
            heard = earlier is not None and bool(earlier.said)
            return replace(earlier, state="refused") if earlier and heard else Outcome("refused", code="not_in_time")
        if ours and unit.status != "reserved":
            return Outcome("unknown")  # a release that has taken no effect: the customer has moved in, and may stay
        # Where somebody else has the unit, an earlier request of ours can take no effect any more: Stora's refusal of
        # this one, in its own words, is the outcome.
        return await self._sent(decision, again=ours or not unit.allocation_id)

    async def _holder(self, decision: Decision) -> tuple[Unit, bool]:
        """The unit as Stora shows it, and whether it is allocated to the tenancy."""
        # The unit first: a reservation of ours that lands between the two questions must not look like another's.
        row, _ = await self.directory.ask_unit(decision.proposal.unit_id)
        holder = row.unit.allocation_id
        if not holder or holder == decision.proposal.takes_back:
            return row.unit, bool(holder)
        return row.unit, holder in (await self.tenancies.ask(decision.proposal.tenancy_id)).allocations

    def _too_late(self, decision: Decision) -> bool:
        if decision.confirmed_at is None:
            return True
        age = self.now() - decision.confirmed_at
        # After the clock has stepped back, only the number of looks tells how long ago it was.
        return age > SENT_AGAIN_FOR or (age < -self.lease and decision.attempts >= LOOKS_ENOUGH)

    async def _recorded(self, decision: Decision, outcome: Outcome) -> Outcome:
        """Write down how it ended; returns what is on record then."""
        at = self.now()
        by = decision.confirmed_by or decision.proposal.asked_by
        done = outcome.state == "done"
        tell = owed(decision.proposal, by, at, self.channels) if done else []
        seen = self._seen(decision.proposal, at) if done else []
        wait = min(FIRST_LOOK * 2 ** min(decision.attempts, 10), LAST_LOOK)
        next_try = at + wait if outcome.state == "unknown" else None
        said = {
            "decision": decision.proposal.id,
            "action": decision.proposal.action,
            "state": outcome.state,
            "code": outcome.code,
            "request_id": outcome.request_id,
        }
        if not await self.reservations.settle(decision.proposal.id, outcome, at, tell, next_try=next_try, seen=seen):
            # Whoever took the claim over from us was faster. People are told what is on record.
            settled = await self.reservations.get(decision.proposal.id)
            on_record = settled.outcome if settled and settled.outcome else outcome
            differs = (outcome.state, on_record.state) == ("done", "refused")
            log.log(logging.ERROR if differs else logging.INFO, "recorded before", on_record=on_record.state, **said)
            return on_record
        if decision.proposal.action == "reserve" and not (outcome.state == decision.state == "unknown"):
            self.counted(outcome.state)
        if tell:
            self.something_owed.set()
        log.info("decision recorded", **said)
        return outcome

    def _learn(self, tenancy_id: str, unit: Unit, at: datetime) -> None:
        """The pictures that people look at change at once."""
        known = self.directory.unit(unit.id)
        before = known.allocation_id if known else ""
        self.directory.learn([unit], at)
        tenancy = self.tenancies.known.by_id.get(tenancy_id)
        if tenancy:
            others = tuple(one for one in tenancy.allocations if one not in {before, unit.allocation_id})
            ours = (unit.allocation_id,) if unit.allocation_id else ()
            self.tenancies.learn([replace(tenancy, allocations=others + ours)])

    def _seen(self, proposal: Proposal, at: datetime) -> list[Seen]:
        """What Stora has shown of the unit and the tenancy, to be kept with the outcome."""
        things = (self.directory.unit(proposal.unit_id), self.tenancies.known.by_id.get(proposal.tenancy_id))
        return [Seen(thing, at) for thing in things if thing]

    @asynccontextmanager
    async def claim_kept(self, decision: Decision) -> AsyncIterator[None]:
        """Keep others from taking over the claim, or the telling of how it ended, while we are at it."""

        async def keep() -> None:
            while True:
                await asyncio.sleep(self.lease.total_seconds() / 3)
                with suppress(DatabaseUnusable):  # the next turn may succeed; if none does, another process takes over
                    await self.reservations.extend(decision.proposal.id, self.now(), self.lease)

        keeping = asyncio.create_task(keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])  # unlike awaiting it, this does not swallow a cancellation of ours


def _refusal(problem: Refused | NotFound | StoraLogin | StoraBusy | StoraDown) -> Outcome:
    """A problem that is certain to have kept the write from taking effect; no answer, where nothing was sent."""
    match problem:
        case Refused(code=code, message=message, details=details, request_id=request_id):
            said = " ".join(dict.fromkeys([message, *details]))  # a detail often repeats the message
            return Outcome("refused", said=said, code=code, request_id=request_id)
        case NotFound(message=message, request_id=request_id):
            return Outcome("refused", said=message, code="resource_not_found", request_id=request_id)
        case StoraLogin(status=status, message=message, request_id=request_id):
            code = "invalid_token" if status == 401 else "forbidden"  # noqa: PLR2004 - Unauthorized
            return Outcome("refused", said=message, code=code, request_id=request_id)
        case StoraBusy(seconds=seconds):
            return Outcome("refused", said=str(max(1, round(seconds))), code="busy")
        case _:
            return Outcome("refused", code="not_sent", request_id=problem.request_id)
