"""By which unit allocation Stora has a unit as reserved through the bot, so that it can be taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Nothing is known of what was reserved before: for that, the tenancy is asked."""
    for column in ("takes_back", "allocation_id"):
        op.add_column("decisions", sa.Column(column, sa.Text))
