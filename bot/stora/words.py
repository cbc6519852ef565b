"""What Stora said, for whoever runs the bot: its own words, and the id its support asks for."""

from bot.core.problems import NotFound, OutcomeUnknown, Problem, Refused, StoraBusy, StoraDown, StoraLogin


def in_words(problem: Problem | None) -> str:
    """A problem with Stora as a clause."""
    match problem:
        case StoraLogin(status=status, message=message, request_id=request_id):
            return f"Stora says: {message or 'nothing'} ({_traced(f'HTTP {status}', request_id)})"
        case Refused(status=status, message=message, details=details, request_id=request_id):
            said = " ".join(dict.fromkeys([message, *details]))
            return f"Stora says: {said} ({_traced(f'HTTP {status}', request_id)})"
        case NotFound(message=message, request_id=request_id):
            return f"Stora says: {message} ({_traced('HTTP 404', request_id)})"
        case StoraBusy(seconds=seconds):
            return f"the limit of requests is used up for {seconds:.0f} s"
        case StoraDown(cause=cause, request_id=request_id, foreign=True):
            return f"what answers is not Stora's API ({_traced(cause, request_id)})"
        case StoraDown(cause=cause, request_id=request_id) | OutcomeUnknown(cause=cause, request_id=request_id):
            return f"Stora does not answer ({_traced(cause, request_id)})"
        case _:
            return "Stora gives no answer"


def _traced(what: str, request_id: str | None) -> str:
    return f"{what}, request {request_id}" if request_id else what
