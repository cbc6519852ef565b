"""The handlers, one for each story."""

from datetime import UTC
from zoneinfo import ZoneInfo

from bot.slack.approvals import Approving
from bot.slack.confirm import Confirm
from bot.slack.gate import Gate
from bot.slack.home import HomeTab
from bot.slack.reserve import Reserve
from bot.slack.routes import Stories
from bot.slack.shares import Shares
from bot.slack.unitbot import Unitbot
from bot.slack.units import Units
from bot.start.parts import Parts, new_id


def stories(parts: Parts) -> Stories:
    """The handlers, one for each story."""
    settings, stora, people, now = parts.settings, parts.stora, parts.people, parts.now
    gate = Gate(parts.audit, now)
    roles, approvals_on = settings.roles, settings.approvals_channel is not None
    return Stories(
        units=Units(
            people,
            stora.directory,
            settings.page_size,
            roles,
            parts.reservations,
            Shares(parts.shown, stora.directory, settings.page_size, now),
            approvals_on,
        ),
        reserve=Reserve(
            parts.clients.impatient,
            people,
            roles,
            stora.directory,
            stora.tenancies,
            parts.reservations,
            gate,
            now,
            new_id,
            approvals_on,
        ),
        confirm=Confirm(
            people,
            roles,
            parts.reservations,
            parts.approvals,
            gate,
            parts.carry_out,
            parts.outcomes,
            now,
            new_id,
        ),
        unitbot=Unitbot(
            parts.clients.patient,
            people,
            roles,
            stora.directory,
            stora.tenancies,
            stora.budget,
            parts.reservations,
            parts.outbox,
            parts.audit,
            gate,
            now,
            parts.ready.look,
            approvals_on,
        ),
        groups=parts.groups,
        approving=Approving(
            people,
            roles,
            stora.directory,
            stora.tenancies,
            parts.reservations,
            parts.approvals,
            gate,
            parts.carry_out,
            parts.something_owed,
            now,
            settings.approvals_channel,
        ),
        home=HomeTab(
            parts.clients.impatient,
            people,
            roles,
            stora.directory,
            stora.tenancies,
            parts.reservations,
            parts.approvals,
            now,
            approvals_on,
            ZoneInfo(settings.digest_timezone) if settings.digest_timezone else UTC,
        ),
    )
