"""A stateful stand-in for the Stora Public API: real HTTP, stricter than the documentation, never looser."""
