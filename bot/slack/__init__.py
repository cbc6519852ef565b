"""The edge to people: from a Slack request to a reply."""
