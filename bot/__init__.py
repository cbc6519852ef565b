"""Unitbot: a Slack bot for the staff of self-storage operators who run on Stora."""
