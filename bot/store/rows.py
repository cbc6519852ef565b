"""Decisions as rows, and the lines that the record gets of them."""

from dataclasses import asdict, fields, replace
from datetime import datetime

from sqlalchemy import RowMapping

from bot.core.reservations import AuditEntry, Decision, Outcome, Proposal, Result


def decision_of(row: RowMapping) -> Decision:
    """What a row of ``decisions`` says."""
    state = row["state"]
    ended = state in {"done", "refused", "unknown"}
    return Decision(
        proposal=Proposal(**{one.name: row[one.name] for one in fields(Proposal)}),
        state=state,
        confirmed_by=row["confirmed_by"],
        confirmed_at=row["confirmed_at"],
        settled_at=row["settled_at"],
        outcome=Outcome(**{one.name: row[one.name] for one in fields(Outcome)}) if ended else None,
        channel_id=row["channel_id"],
        response_url=row["response_url"],
        attempts=row["attempts"],
    )


def row_of(proposal: Proposal) -> dict[str, object]:
    """The columns of ``decisions`` that a proposal fills."""
    return asdict(proposal)


def line_of(  # noqa: PLR0913 - what a line holds, each by its name
    proposal: Proposal, *, at: datetime, who: str, result: Result, rule: str = "", detail: str = ""
) -> AuditEntry:
    """What the record says when somebody has pressed a button of the card, or of the request for approval."""
    return AuditEntry(
        at=at,
        who=who,
        action="cancel" if result == "cancelled" else proposal.action,
        result=result,
        unit_id=proposal.unit_id,
        unit_reference=proposal.unit_reference,
        site_id=proposal.site_id,
        tenancy_id=proposal.tenancy_id,
        rule=rule,
        idempotency_key=proposal.idempotency_key,
        detail=detail,
    )


def last_line_of(row: RowMapping, outcome: Outcome, at: datetime) -> AuditEntry:
    """What the record says when a decision ends; ``row`` is as it was before."""
    return replace(
        line_of(decision_of(row).proposal, at=at, who=row["confirmed_by"], result="confirmed", rule=row["rule"]),
        result=outcome.state,
        request_id=outcome.request_id or "",
        detail=": ".join(filter(None, (outcome.code, outcome.said))),
    )
