"""Words: every sentence and every Block Kit payload, as pure functions."""
