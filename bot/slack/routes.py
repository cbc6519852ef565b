"""Which Slack request goes to which handler: the whole bot on one page."""

import re
from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.core.problems import StaleButton
from bot.render.approvals import APPROVE, ASK, DECLINE
from bot.render.home import HOME_REFRESH, HOME_RESERVE
from bot.render.reserve import CANCEL, CONFIRM, MODAL, PICK_SITE, PICK_TENANCY, PICK_UNIT, RELEASE, SHORTCUT
from bot.render.unitbot import AUDIT_CSV, AUDIT_NEXT, AUDIT_PREVIOUS
from bot.render.units import NEXT, PREVIOUS, REFRESH, REFRESH_UNIT, RESERVE
from bot.slack.approvals import Approving
from bot.slack.confirm import Confirm
from bot.slack.deliver import Reply
from bot.slack.failures import Net
from bot.slack.groups import UserGroups
from bot.slack.home import HomeTab
from bot.slack.reserve import Reserve
from bot.slack.unitbot import Unitbot
from bot.slack.units import Units


@dataclass(frozen=True, slots=True)
class Stories:
    """What the bot does, one for each file beside this one."""

    units: Units
    reserve: Reserve
    confirm: Confirm
    unitbot: Unitbot
    groups: UserGroups
    approving: Approving
    home: HomeTab


def register(app: AsyncApp, net: Net, do: Stories) -> None:
    """Tell Bolt what we answer to; of several patterns that fit, the first one registered wins."""
    app.command("/units")(net.explained(do.units.command))
    app.action(PREVIOUS)(net.explained(do.units.turn_page))
    app.action(NEXT)(net.explained(do.units.turn_page))
    app.action(REFRESH)(net.explained(do.units.refresh))
    app.action(REFRESH_UNIT)(net.explained(do.units.refresh_unit))

    app.command("/reserve")(net.explained(do.reserve.command))
    app.action(RESERVE)(net.explained(do.reserve.button))
    app.shortcut(SHORTCUT)(net.explained(do.reserve.shortcut))
    app.action(PICK_SITE)(net.explained(do.reserve.site_picked))
    app.options(PICK_SITE)(net.suggested(do.reserve.suggest_sites))
    app.options(PICK_UNIT)(net.suggested(do.reserve.suggest_units))
    app.options(PICK_TENANCY)(net.suggested(do.reserve.suggest_tenancies))
    app.view(MODAL)(net.explained(do.reserve.submitted))

    app.action(CONFIRM)(net.explained(do.confirm.confirm))
    app.action(CANCEL)(net.explained(do.confirm.cancel))
    app.action(RELEASE)(net.explained(do.confirm.release))

    app.action(ASK)(net.explained(do.approving.ask))
    app.action(APPROVE)(net.explained(do.approving.approve))
    app.action(DECLINE)(net.explained(do.approving.decline))

    app.event("app_home_opened")(net.explained(do.home.opened))
    app.action(HOME_REFRESH)(net.explained(do.home.refresh))
    app.action(HOME_RESERVE)(net.explained(do.reserve.shortcut))

    app.command("/unitbot")(net.explained(do.unitbot.command))
    app.action(AUDIT_PREVIOUS)(net.explained(do.unitbot.turn_audit))
    app.action(AUDIT_NEXT)(net.explained(do.unitbot.turn_audit))
    app.action(AUDIT_CSV)(net.explained(do.unitbot.send_csv))

    async def group_changed(args: AsyncArgs) -> None:  # Bolt injects by this very name, and acknowledges events itself
        event = args.event or {}
        do.groups.forget(str(event.get("subteam_id") or event.get("subteam", {}).get("id") or ""))

    app.event("subteam_members_changed")(group_changed)
    app.event("subteam_updated")(group_changed)

    app.action(re.compile(""))(net.explained(any_other_action))


async def any_other_action(slack: AsyncArgs, reply: Reply) -> None:
    """A link button needs no answer but an acknowledgement; any other is from another version of the bot."""
    await reply.later()
    if "url" not in slack.body["actions"][0]:
        raise StaleButton
