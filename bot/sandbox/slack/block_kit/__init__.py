"""A strict Block Kit check: every limit of Slack's, no unknown key, no ping, no forged link."""

from bot.sandbox.slack.block_kit.payloads import check_message, check_options, check_view

__all__ = ["check_message", "check_options", "check_view"]
