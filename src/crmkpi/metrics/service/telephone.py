"""Telephone: answered and abandoned calls, and the outcomes of answered ones."""

from datetime import timedelta

from crmkpi.definition.metric import Share, metric
from crmkpi.metrics.literature import CALL_CENTER, ISO_18295
from crmkpi.metrics.tables import interactions

calls = (interactions.kind == "call") & (interactions.direction == "inbound")
answered = calls & (interactions.outcome == "answered")
unknown = {"no outcome": calls & interactions.outcome.missing()}
_SECOND = timedelta(seconds=1)


@metric(
    at=interactions.at,
    answered=interactions.count(answered),
    calls=interactions.count(calls),
    leave_out=unknown,
    interval=Share("answered", "calls"),
    unit="ratio",
    better="higher",
    empty="nobody called",
    also_known_as=("call answering rate", "answered calls", "call pickup rate", "calls answered"),
    default_because="Every call that came in, those that rang off after a moment too: they wanted something.",
    sources=(CALL_CENTER, ISO_18295),
    ahead_of=("customer_satisfaction_score",),
    guarded_by=("call_resolution_rate",),
)
def call_answer_rate(answered: int, calls: int) -> float:
    r"""Share of the incoming calls that someone answered.

    $$\text{call answer rate} = \frac{\text{answered calls}}{\text{incoming calls}}$$

    Calls that came in, by their time.

    Pitfalls:
        A machine that picks up is no answer: give such calls the outcome voicemail.

    >>> calls = [Interaction(id=str(n), kind="call", direction="inbound", outcome=outcome)
    ...          for n, outcome in enumerate(["answered", "answered", "abandoned", "missed"])]
    >>> call_answer_rate(calls).value
    0.5
    """
    return answered / calls


@metric(
    at=interactions.at,
    abandoned=interactions.count(calls & (interactions.outcome == "abandoned")),
    calls=interactions.count(calls),
    leave_out=unknown,
    interval=Share("abandoned", "calls"),
    unit="ratio",
    better="lower",
    empty="nobody called",
    also_known_as=("abandon rate", "abandonment rate", "abandoned calls", "call abandonment rate"),
    default_because="All incoming calls; some centres leave out those that give up within seconds.",
    sources=(CALL_CENTER, ISO_18295),
    ahead_of=("customer_satisfaction_score",),
)
def call_abandon_rate(abandoned: int, calls: int) -> float:
    r"""Share of the incoming calls in which the caller gave up before anybody answered.

    $$\text{call abandon rate} = \frac{\text{abandoned calls}}{\text{incoming calls}}$$

    Calls that came in, by their time.

    Pitfalls:
        A caller who hears the answer in the announcement and hangs up has been served and counts as lost.

    >>> calls = [Interaction(id=str(n), kind="call", direction="inbound", outcome=outcome)
    ...          for n, outcome in enumerate(["answered", "answered", "abandoned", "missed"])]
    >>> call_abandon_rate(calls).value
    0.25
    """
    return abandoned / calls


@metric(
    at=interactions.at,
    resolved=interactions.count(answered & interactions.resolved),
    answered=interactions.count(answered),
    leave_out={"not known whether resolved": answered & interactions.resolved.missing()},
    interval=Share("resolved", "answered"),
    unit="ratio",
    better="higher",
    empty="no call was answered",
    also_known_as=("FCR of calls", "first contact resolution of answered calls", "resolved calls"),
    default_because="Of answered calls, as call centres count it: a call that nobody took could not be resolved.",
    sources=(CALL_CENTER,),
    ahead_of=("customer_satisfaction_score",),
)
def call_resolution_rate(resolved: int, answered: int) -> float:
    r"""Share of the answered calls that settled the matter at once.

    $$\text{call resolution rate} = \frac{\text{calls that settled the matter}}{\text{answered calls}}$$

    Incoming calls that were answered, by their time. Of tickets it is `first_contact_resolution_rate`.

    Pitfalls:
        Agents who tick the box are kinder than customers who call again: look for repeated calls.

    >>> calls = [Interaction(id=str(n), kind="call", direction="inbound", outcome="answered", resolved=settled)
    ...          for n, settled in enumerate([True, True, True, False])]
    >>> call_resolution_rate(calls).value
    0.75
    """
    return resolved / answered


@metric(
    at=interactions.at,
    talked=interactions.mean(_SECOND * interactions.seconds, answered),
    leave_out={"no seconds": answered & interactions.seconds.missing()},
    unit="duration",
    better="lower",
    empty="no answered call has a length",
    also_known_as=("average talk time", "ATT", "call duration", "average call length"),
    default_because="The mean, since staff is planned by it; answered calls only, or the missed ones would shorten it.",
    sources=(CALL_CENTER,),
    guarded_by=("call_resolution_rate",),
)
def talk_time() -> None:
    r"""How long an answered call takes on average.

    $$\text{talk time} = \operatorname{mean}(\text{length of answered incoming calls})$$

    Incoming calls that were answered, by their time.

    Pitfalls:
        Short calls are cheap and may settle nothing: look at `call_resolution_rate` beside it.

    >>> calls = [Interaction(id=str(n), kind="call", direction="inbound", outcome="answered", seconds=seconds)
    ...          for n, seconds in enumerate([60, 180])]
    >>> talk_time(calls).to("minutes")
    2.0
    """


talk_time.also("median")
