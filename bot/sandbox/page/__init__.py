"""The channel in a browser: a thin client of the Slack stand-in, over HTTP and one stream of events."""
