"""The directory, what webhooks said, what several processes share, and what is waited for."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables, and let what is owed be held back."""
    op.create_table(
        "directory",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("gone", sa.Boolean, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name=op.f("pk_directory")),
    )
    op.create_index(op.f("ix_directory_version"), "directory", ["version"])

    op.create_table(
        "readings",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("started_at", MOMENT),
        sa.Column("next_page", sa.Integer, nullable=False),
        sa.Column("whole", sa.Boolean, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("lease_until", MOMENT),
        sa.Column("read_at", MOMENT),
        sa.Column("whole_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_readings")),
    )

    op.create_table(
        "to_ask",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("wanted_at", MOMENT, nullable=False),
        sa.Column("lease_until", MOMENT),
        sa.PrimaryKeyConstraint("kind", "id", name=op.f("pk_to_ask")),
    )

    op.create_table(
        "webhook_events",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_events")),
    )
    op.create_index(op.f("ix_webhook_events_at"), "webhook_events", ["at"])

    op.create_table(
        "stora_calls",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("left_at", sa.Double, nullable=False),
        sa.Column("answered_at", sa.Double),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stora_calls")),
        sqlite_autoincrement=True,
    )

    op.create_table(
        "holds",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_holds")),
    )

    op.create_table(
        "shown",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("channel_id", sa.Text, nullable=False),
        sa.Column("ts", sa.Text, nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT),
        sa.Column("lease_until", MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shown")),
        sa.UniqueConstraint("channel_id", "ts", name=op.f("uq_shown_channel_id_ts")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_shown_changed_at"), "shown", ["changed_at"])
    op.create_table(
        "shown_units",
        sa.Column("shown_id", NUMBER, nullable=False),
        sa.Column("unit_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("shown_id", "unit_id", name=op.f("pk_shown_units")),
        sa.ForeignKeyConstraint(
            ["shown_id"], ["shown.id"], name=op.f("fk_shown_units_shown_id_shown"), ondelete="CASCADE"
        ),
    )
    op.create_index(op.f("ix_shown_units_unit_id"), "shown_units", ["unit_id"])

    op.create_table(
        "approvals",
        sa.Column("decision_id", sa.Text, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("channel_id", sa.Text, nullable=False),
        sa.Column("response_url", sa.Text),
        sa.Column("warnings", sa.Text, nullable=False),
        sa.Column("answer", sa.Text),
        sa.Column("answered_by", sa.Text),
        sa.Column("answered_at", MOMENT),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_approvals")),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name=op.f("fk_approvals_decision_id_decisions")),
    )

    # What somebody reserved, and what was reserved yesterday.
    for column in ("asked_by", "confirmed_by", "settled_at"):
        op.create_index(op.f(f"ix_decisions_{column}"), "decisions", [column])

    # For how long Slack has refused it with a word of its own.
    op.add_column("outbox", sa.Column("refused_since", MOMENT))
    # What may be told only once something else is known: the sweep that noticed it, or a decision under way.
    op.add_column("outbox", sa.Column("held_by", sa.Text))
    op.create_index(op.f("ix_outbox_held_by"), "outbox", ["held_by"])
