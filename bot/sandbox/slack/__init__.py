"""A stateful Slack for one workspace and one app: stricter than the real one, over real HTTP and Socket Mode."""
