"""Why the bot cannot start."""


class CannotStart(Exception):
    """The bot cannot start; the text says why and what to mend, for whoever started it."""
