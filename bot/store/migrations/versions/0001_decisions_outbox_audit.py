"""Decisions, what is owed for them, and the record."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the first three tables."""
    op.create_table(
        "decisions",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("idempotency_key", sa.Text, nullable=False),
        sa.Column("unit_id", sa.Text, nullable=False),
        sa.Column("unit_reference", sa.Text, nullable=False),
        sa.Column("site_id", sa.Text, nullable=False),
        sa.Column("site_name", sa.Text, nullable=False),
        sa.Column("unit_type", sa.Text, nullable=False),
        sa.Column("price", sa.Text, nullable=False),
        sa.Column("tenancy_id", sa.Text, nullable=False),
        sa.Column("customer", sa.Text, nullable=False),
        sa.Column("starts_at", MOMENT),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("backoffice_url", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("confirmed_by", sa.Text),
        sa.Column("confirmed_at", MOMENT),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("channel_id", sa.Text),
        sa.Column("response_url", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("lease_until", MOMENT),
        sa.Column("next_try", MOMENT),
        sa.Column("settled_at", MOMENT),
        sa.Column("settled_line", sa.BigInteger),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_decisions_idempotency_key")),
        sa.CheckConstraint(
            "state IN ('proposed', 'cancelled', 'claimed', 'done', 'refused', 'unknown')",
            name=op.f("ck_decisions_state"),
        ),
    )
    op.create_index(op.f("ix_decisions_state"), "decisions", ["state"])
    op.create_index(op.f("ix_decisions_unit_id"), "decisions", ["unit_id"])
    op.create_index(op.f("ix_decisions_lease_until"), "decisions", ["lease_until"])

    op.create_table(
        "outbox",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("decision_id", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("channel_id", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("not_before", MOMENT, nullable=False),
        sa.Column("lease_until", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("ts", sa.Text),
        sa.Column("error", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name=op.f("fk_outbox_decision_id_decisions")),
        sa.CheckConstraint("state IN ('owed', 'sent', 'given_up')", name=op.f("ck_outbox_state")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_outbox_state"), "outbox", ["state"])
    op.create_index(op.f("ix_outbox_decision_id"), "outbox", ["decision_id"])

    op.create_table(
        "audit",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("unit_id", sa.Text, nullable=False),
        sa.Column("unit_reference", sa.Text, nullable=False),
        sa.Column("site_id", sa.Text, nullable=False),
        sa.Column("tenancy_id", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("idempotency_key", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("folded_id", sa.Text, nullable=False),
        sa.Column("folded_reference", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_folded_id"), "audit", ["folded_id"])
    op.create_index(op.f("ix_audit_folded_reference"), "audit", ["folded_reference"])
