"""Alembic's folder: how databases get from one schema to the next."""
