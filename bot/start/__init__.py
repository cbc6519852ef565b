"""What the bot is joined to when it starts: its memory, its neighbours, and whoever listens."""
