"""What became of a decision, as a message for the person who confirmed it."""

from dataclasses import dataclass

from bot.core.access import Role, judge
from bot.core.intents import Release
from bot.core.inventory import Row
from bot.core.reservations import NOT_OF_THE_UNIT, TRY_AGAIN, Decision, Outcome, Proposal
from bot.core.reserve import alternatives
from bot.render.blocks import Message
from bot.render.reserve import render_outcome
from bot.slack.people import People
from bot.stora.directory import Directory


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What it takes to say it."""

    directory: Directory
    people: People
    roles: tuple[Role, ...]

    async def message(self, decision: Decision, outcome: Outcome, viewer: str) -> Message:
        """With units to take instead after a refusal, and with `Release` if its reader, ``viewer``, may press it."""
        proposal = decision.proposal
        others = self._instead(proposal, outcome) if outcome.state == "refused" else []
        release = None
        if outcome.state == "done" and proposal.action == "reserve":
            actor = await self.people.actor(viewer)
            if judge(actor, "release", self.roles, proposal.site_id).allowed:
                release = Release(reservation_id=proposal.id)
        return render_outcome(decision, outcome, others, release=release)

    def _instead(self, proposal: Proposal, outcome: Outcome) -> list[Row]:
        """What to press after a refusal: the unit itself where time mends it, others where the unit is the reason."""
        inventory = self.directory.inventory
        if proposal.action == "release" or inventory is None:
            return []
        if outcome.code in NOT_OF_THE_UNIT:
            unit = inventory.unit(proposal.unit_id)
            return [inventory.row(unit)] if unit and outcome.code in TRY_AGAIN else []
        return alternatives(proposal.unit_id, inventory)
