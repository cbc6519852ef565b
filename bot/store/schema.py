"""The tables, and how moments and people's words are kept in them. Changes need a migration of their own."""

from datetime import UTC, datetime
from typing import get_args

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from typing_extensions import override

from bot.core.reservations import State

NUMBER = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only what is called exactly INTEGER


class Moment(TypeDecorator[datetime]):
    """A time with its zone; what comes back is in UTC. SQLite, which knows no zones, keeps UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC)

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text from anybody. NUL and lone surrogates, which no database takes, become U+FFFD or `?`.

    A customer whose name holds one must not make a reservation unrecordable.
    """

    impl = Text()
    cache_ok = True

    @override
    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else value.replace("\0", "\ufffd").encode(errors="replace").decode()


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Words, primary_key=True),
    Column("action", Words, nullable=False),
    Column("idempotency_key", Words, nullable=False, unique=True),
    Column("unit_id", Words, nullable=False),
    Column("unit_reference", Words, nullable=False),
    Column("site_id", Words, nullable=False),
    Column("site_name", Words, nullable=False),
    Column("unit_type", Words, nullable=False),
    Column("price", Words, nullable=False),
    Column("tenancy_id", Words, nullable=False),
    Column("customer", Words, nullable=False),
    Column("starts_at", Moment),
    Column("asked_by", Words, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("backoffice_url", Words),
    Column("state", Words, nullable=False),
    Column("confirmed_by", Words),
    Column("confirmed_at", Moment),
    Column("rule", Words, nullable=False, default=""),
    Column("channel_id", Words),
    Column("response_url", Words),
    Column("attempts", Integer, nullable=False, default=0),
    # Until then it belongs to whoever claimed it; none once it has ended and the person has been told.
    Column("lease_until", Moment),
    # When an unknown outcome is to be found out.
    Column("next_try", Moment),
    Column("settled_at", Moment),
    # The line of the record that told of it: a later one is larger, whatever the clock did in between.
    Column("settled_line", BigInteger),
    Column("said", Words, nullable=False, default=""),
    Column("code", Words, nullable=False, default=""),
    Column("request_id", Words),
    # Of a release and of a reservation: by which unit allocation Stora has, or had, the unit as reserved.
    Column("takes_back", Words),
    Column("allocation_id", Words),
    CheckConstraint(f"state IN {get_args(State)}", name="state"),
    Index(None, "state"),
    Index(None, "unit_id"),
    Index(None, "lease_until"),
    Index(None, "asked_by"),
    Index(None, "confirmed_by"),
    Index(None, "settled_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", NUMBER, primary_key=True),
    Column("key", Words, nullable=False, unique=True),
    # Nobody's, if it is owed for something that happened outside the bot.
    Column("decision_id", Words, ForeignKey("decisions.id")),
    Column("kind", Words, nullable=False),
    Column("channel_id", Words, nullable=False),
    Column("payload", Words, nullable=False),
    Column("state", Words, nullable=False, default="owed"),
    Column("attempts", Integer, nullable=False, default=0),
    Column("not_before", Moment, nullable=False),
    Column("lease_until", Moment),
    Column("ended_at", Moment),
    # Slack's name of the message.
    Column("ts", Words),
    Column("error", Words, nullable=False, default=""),
    # When Slack first refused it with a word of its own.
    Column("refused_since", Moment),
    # What must be known before it may be told: the reading that noticed it has ended, or a decision has.
    Column("held_by", Words),
    CheckConstraint("state IN ('owed', 'sent', 'given_up')", name="state"),
    Index(None, "state"),
    Index(None, "decision_id"),
    Index(None, "held_by"),
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    Column("id", NUMBER, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("who", Words, nullable=False),
    Column("action", Words, nullable=False),
    Column("result", Words, nullable=False),
    Column("unit_id", Words, nullable=False),
    Column("unit_reference", Words, nullable=False),
    Column("site_id", Words, nullable=False),
    Column("tenancy_id", Words, nullable=False),
    Column("rule", Words, nullable=False),
    Column("idempotency_key", Words, nullable=False),
    Column("request_id", Words, nullable=False),
    Column("detail", Words, nullable=False),
    # Case-folded: SQLite's own lower() knows English letters only.
    Column("folded_id", Words, nullable=False),
    Column("folded_reference", Words, nullable=False),
    Index(None, "folded_id"),
    Index(None, "folded_reference"),
    sqlite_autoincrement=True,
)

directory = Table(
    "directory",
    metadata,
    # `site`, `unit_type`, `unit` or `tenancy`.
    Column("kind", Words, primary_key=True),
    Column("id", Words, primary_key=True),
    # The thing as JSON.
    Column("body", Words, nullable=False),
    # Stora's own word for when it changed: an older word changes nothing.
    Column("updated_at", Moment, nullable=False),
    # When Stora last showed it to us; of what is gone, when we first learnt of that.
    Column("seen_at", Moment, nullable=False),
    Column("gone", Boolean, nullable=False, default=False),
    # Larger at each change, in the order of the commits: what is larger than what one knows is new.
    Column("version", BigInteger, nullable=False),
    Index(None, "version"),
)

readings = Table(
    "readings",
    metadata,
    # `units` or `tenancies`; `directory` is the row that whoever changes the directory holds, for its version.
    Column("name", Words, primary_key=True),
    # Of the reading under way.
    Column("started_at", Moment),
    Column("next_page", Integer, nullable=False, default=1),
    Column("whole", Boolean, nullable=False, default=True),
    Column("owner", Words),
    Column("lease_until", Moment),
    # When the last reading that ended had begun; `whole_at`: the last one of everything.
    Column("read_at", Moment),
    Column("whole_at", Moment),
    Column("ended_at", Moment),
    Column("version", BigInteger, nullable=False, default=0),
)

to_ask = Table(
    "to_ask",
    metadata,
    # Of the directory; `tenancies` with an empty id stands for the newest ones.
    Column("kind", Words, primary_key=True),
    Column("id", Words, primary_key=True),
    Column("wanted_at", Moment, nullable=False),
    Column("lease_until", Moment),
)

webhook_events = Table(
    "webhook_events",
    metadata,
    Column("id", Words, primary_key=True),
    Column("type", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Index(None, "at"),
)

stora_calls = Table(
    "stora_calls",
    metadata,
    Column("id", NUMBER, primary_key=True),
    # Seconds since the epoch by the database's clock, which is the same for every replica.
    Column("left_at", Double, nullable=False),
    Column("answered_at", Double),
    sqlite_autoincrement=True,
)

holds = Table(
    "holds",
    metadata,
    Column("name", Words, primary_key=True),
    Column("until", Double, nullable=False),
)

shown = Table(
    "shown",
    metadata,
    Column("id", NUMBER, primary_key=True),
    Column("channel_id", Words, nullable=False),
    Column("ts", Words, nullable=False),
    Column("query", Words, nullable=False),
    Column("at", Moment, nullable=False),
    # When a unit in it first changed since it was last drawn.
    Column("changed_at", Moment),
    Column("lease_until", Moment),
    UniqueConstraint("channel_id", "ts"),
    Index(None, "changed_at"),
    sqlite_autoincrement=True,
)

shown_units = Table(
    "shown_units",
    metadata,
    Column("shown_id", NUMBER, ForeignKey("shown.id", ondelete="CASCADE"), primary_key=True),
    Column("unit_id", Words, primary_key=True),
    Index(None, "unit_id"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("decision_id", Words, ForeignKey("decisions.id"), primary_key=True),
    Column("asked_at", Moment, nullable=False),
    # Where it was asked; the message itself is owed in the outbox under the key `{decision_id}:request`.
    Column("channel_id", Words, nullable=False),
    # The way to the asker's card.
    Column("response_url", Words),
    # What the card warned of, as a JSON list.
    Column("warnings", Words, nullable=False, default="[]"),
    # Still `proposed`, the decision may be answered; then `approved`, `declined` or `expired`.
    Column("answer", Words),
    Column("answered_by", Words),
    Column("answered_at", Moment),
    Column("reason", Words, nullable=False, default=""),
)
