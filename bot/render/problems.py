"""What went wrong, in a sentence that says what to do."""

from collections.abc import Sequence

from bot.core.problems import (
    Ambiguous,
    ApprovalsOff,
    BadValue,
    DatabaseUnusable,
    FileRefused,
    GivenTwice,
    InventoryNotRead,
    ModalRefused,
    NoMatch,
    NotAllowed,
    NotFound,
    OutcomeUnknown,
    Problem,
    Refused,
    SeveralUnits,
    StaleButton,
    StoraBusy,
    StoraDown,
    StoraLogin,
    TooLarge,
    TooLong,
    TooManyValues,
    UnbalancedQuotes,
    UnknownArgument,
    UsageProblem,
)
from bot.render.blocks import Message, context, escape, section
from bot.render.help import EXAMPLES, EXAMPLES_OF, EXPECTED, RESERVE_EXPECTED

TYPED = 80
"""Characters of what was typed that are worth repeating."""
MOST_CANDIDATES = 8


def render_problem(problem: Problem, reference: str, command: str = "/units") -> Message:
    """A known failure, for the one who met it; ``reference`` finds it in the log."""
    said = explain(problem)
    if isinstance(problem, UsageProblem):
        examples = " or ".join(f"`{example}`" for example in EXAMPLES_OF.get(command, EXAMPLES)[:2])
        small = f"For example {examples}. `{command} help` shows everything."
        return Message(f"{said}\n{small}", (section(said), context(small)))
    request_id = getattr(problem, "request_id", None)
    if request_id:
        said += f"\nStora's request id: `{escape(request_id, 100)}`"
    small = f"Reference {reference}"
    return Message(f"{said}\n{small}", (section(said), context(small)))


def render_crash(reference: str) -> Message:
    """A failure that we cannot explain."""
    said = "Something went wrong here, and it is not your fault. Try again; if it stays, tell whoever runs Unitbot."
    small = f"Reference {reference}"
    return Message(f"{said}\n{small}", (section(said), context(small)))


def explain(problem: Problem) -> str:
    """The sentence itself, in mrkdwn."""
    match problem:
        case UsageProblem():
            return _usage(problem)
        case NotAllowed():
            return _not_allowed(problem)
        case NotFound() | StoraBusy() | StoraDown() | StoraLogin() | Refused() | OutcomeUnknown():
            return _from_stora(problem)
        case FileRefused():
            return "Slack did not take the file. Try again; if it stays, the app must be installed again."
        case ModalRefused():
            return "Slack did not open the dialog. Try again, or type `/reserve UNIT CUSTOMER`."
        case StaleButton():
            return "This button is from another version of Unitbot. Type the command again for fresh buttons."
        case ApprovalsOff():
            return "Approvals are switched off, so nothing was asked or approved."
        case InventoryNotRead():
            return "The inventory is being read for the first time. Try again in a minute; `/units` answers already."
        case DatabaseUnusable():
            return "Unitbot's own memory does not answer, so nothing was sent to Stora. Try again in a minute."
        case _:
            raise AssertionError(type(problem))


def _from_stora(problem: NotFound | StoraBusy | StoraDown | StoraLogin | Refused | OutcomeUnknown) -> str:
    """What Stora answered, or that it did not."""
    match problem:
        case NotFound(what=what):
            return f"Stora has no such {what}, or not any more."
        case OutcomeUnknown():
            return "Stora did not answer, so it is not known whether this took effect."
        case StoraBusy(seconds=seconds):
            return f"Stora's limit of requests is used up; it can be asked again in {max(1, round(seconds))} s."
        case StoraDown():
            return "Stora does not answer just now; try again in a minute."
        case StoraLogin(status=401):
            return "Stora does not accept Unitbot's access token. Whoever runs Unitbot must renew it."
        case StoraLogin(message=message):
            return (
                f"Unitbot's access token may not do this: {_quoted(message)} Whoever runs Unitbot must add the scope."
            )
        case _:
            said = [_quoted(problem.message), *(_quoted(detail, 150) for detail in problem.details[:5])]
            return f"Stora refused: {' '.join(said)}"


def _not_allowed(problem: NotAllowed) -> str:
    """Who the person is not, or which permission is missing and which roles carry it: what to ask for, not just no."""
    roles = " or ".join(f"*{escape(name, 80)}*" for name in problem.carriers[:5])
    carried = f"It comes with the role {roles}." if roles else "No role carries it: the setting `ROLES` names none."
    needed = f"This needs the permission `{problem.permission}`"
    beyond_looking = f" {needed}, too. {carried}" if problem.permission else ""
    match problem.because:
        case "guest":
            return f"Unitbot is for members of the workspace; Slack marks you as a guest.{beyond_looking}"
        case "stranger":
            whose = "you belong to another organisation"
            return f"Unitbot is for members of the workspace; Slack says that {whose}.{beyond_looking}"
        case "unverified":
            unknown = "Slack did not tell us just now who you are, so nothing was done."
            return f"{unknown} Try again in a moment.{beyond_looking}"
        case "groups unknown":
            doubt = f"{escape(problem.rule, 200)}: Slack did not say who is in your user groups"
            return f"{needed}, and it is not known whether you have it ({doubt}). Try again in a moment. {carried}"
        case "own request":
            return f"You asked for this yourself. {needed} too before you can approve it. {carried}"
        case "other sites":
            return f"{needed} for this site; you have it for other sites. {carried}"
        case _:
            return f"{needed}, which you do not have. {carried} `/unitbot whoami` shows what you may do."


def _quoted(text: str, limit: int = 400) -> str:
    return f"“{escape(text, limit)}”" if text else ""


def _usage(problem: UsageProblem) -> str:
    match problem:
        case TooLong(length=length, limit=limit):
            return f"That is {length:,} characters long; a command is {limit:,} at most."
        case UnbalancedQuotes():
            return 'There is a quotation mark `"` without its partner.'
        case UnknownArgument(name=name, suggestions=suggestions):
            return f"There is no argument {_code(name)}." + _did_you_mean(
                [one if one == "share" else f"{one}=" for one in suggestions]
            )
        case BadValue(argument="share"):
            return f"`share` stands alone, without `=`; it {EXPECTED['share']}."
        case BadValue(argument=argument, typed=""):
            return f"`{argument}=` needs a value: {_expected(argument)}."
        case BadValue(argument=argument, typed=typed):
            return f"`{argument}=` does not take {_code(typed)}: it takes {_expected(argument)}."
        case GivenTwice(argument=argument):
            return f"`{argument}=` takes one value: {_expected(argument)}."
        case TooManyValues(argument=argument, limit=limit):
            return f"That is too much to ask for at once: {escape(argument, 40)} takes {limit} values at most."
        case TooLarge():
            return "That is more than a button can remember. Add `site=`, or name fewer sites, types or words."
        case Ambiguous() | SeveralUnits() | NoMatch():
            return _which(problem)
        case _:
            raise AssertionError(type(problem))


def _which(problem: Ambiguous | SeveralUnits | NoMatch) -> str:
    """Which things there are to choose from, or that there is none."""
    match problem:
        case Ambiguous(kind=kind, typed=typed, candidates=candidates):
            return f"Several {kind}s match {_code(typed)}: {_list(candidates)}. Type more of the name."
        case SeveralUnits(references=references):
            return f"One message shows one unit, and this asks for several: {_list(references)}. Ask for one at a time."
        case _:
            what = "unit, site, type or status" if problem.kind == "word" else problem.kind
            return f"No {what} is called {_code(problem.typed)}." + _did_you_mean(problem.suggestions)


def _expected(argument: str) -> str:
    return (EXPECTED | RESERVE_EXPECTED)[argument]


def _code(typed: str) -> str:
    return f"`{escape(typed.replace('`', chr(39)), TYPED)}`"


def _list(names: Sequence[str]) -> str:
    shown = [_code(name) for name in names[:MOST_CANDIDATES]]
    return ", ".join(shown) + (f" and {len(names) - MOST_CANDIDATES} more" if len(names) > MOST_CANDIDATES else "")


def _did_you_mean(names: Sequence[str]) -> str:
    return f" Did you mean {' or '.join(_code(name) for name in names)}?" if names else ""
