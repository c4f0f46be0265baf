"""Why a verdict or a transition is what it is: each reason with the sentence people read."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Stored, logged, shown on the page and returned by the API. `sentence` is for people."""

    ANSWERING = "answering"
    CALLS_PUT_THROUGH = "calls_put_through"
    NEVER_SEEN_UP = "never_seen_up"
    NOT_PROBED_LATELY = "not_probed_lately"
    SILENT = "silent"
    SILENT_BEHIND_OPEN_PORT = "silent_behind_open_port"
    REFUSING_CALLS = "refusing_calls"
    EVIDENCE_DISAGREES = "evidence_disagrees"
    CALLS_PUT_THROUGH_DESPITE_SILENCE = "calls_put_through_despite_silence"
    SOME_CALLS_REFUSED = "some_calls_refused"
    UNUSUAL_CALLS = "unusual_calls"
    REGISTRATION_LOST = "registration_lost"
    REGISTERED_DESPITE_SILENCE = "registered_despite_silence"
    WEAK_CHECK_FAILS = "weak_check_fails"
    CERTIFICATE_FAILS = "certificate_fails"
    MISSING_ANSWERS = "missing_answers"
    WE_MAY_BE_CUT_OFF = "we_may_be_cut_off"
    RECOVERED = "recovered"
    HOLD_DOWN_OVER = "hold_down_over"
    TRIAL_CALLS_GOOD = "trial_calls_good"
    TRIAL_CALLS_BAD = "trial_calls_bad"
    PERSON_ORDERED_FAILBACK = "person_ordered_failback"
    PERSON_FORCED_DR = "person_forced_dr"
    PERSON_FORCED_NORMAL = "person_forced_normal"
    PERSON_FROZE = "person_froze"
    PERSON_RELEASED = "person_released"
    OVERRIDE_EXPIRED = "override_expired"
    FIRST_START = "first_start"
    FOUND_IN_ASTERISK = "found_in_asterisk"

    @property
    def sentence(self) -> str:
        return SENTENCES[self]


# Degraded, and yet it answers SIP: what diverts no call must keep none diverted either, nor doubt those in progress.
LESSER_FAULTS = frozenset({Reason.UNUSUAL_CALLS, Reason.WEAK_CHECK_FAILS, Reason.CERTIFICATE_FAILS})

SENTENCES: dict[Reason, str] = {
    Reason.ANSWERING: "every probe is answered",
    Reason.CALLS_PUT_THROUGH: "calls are being put through",
    Reason.NEVER_SEEN_UP: "no probe has ever been answered, so silence proves nothing; calls are survived one by one",
    Reason.NOT_PROBED_LATELY: "no probe has answered or missed lately, so nothing can be said",
    Reason.SILENT: "every kind of probe that used to be answered is missed",
    Reason.SILENT_BEHIND_OPEN_PORT: "it takes connections, yet no SIP check that used to be answered is",
    Reason.REFUSING_CALLS: "it answers probes and puts no call through",
    Reason.EVIDENCE_DISAGREES: "one kind of probe is missed and another is answered",
    Reason.CALLS_PUT_THROUGH_DESPITE_SILENCE: "probes are missed, yet calls are being put through",
    Reason.SOME_CALLS_REFUSED: "some calls are refused and others are put through",
    Reason.UNUSUAL_CALLS: "it is there and puts calls through, but what becomes of them is not as usual",
    Reason.REGISTRATION_LOST: "it answers SIP, and the registration there is lost",
    Reason.REGISTERED_DESPITE_SILENCE: "probes are missed, yet the registration was renewed",
    Reason.WEAK_CHECK_FAILS: "it answers SIP, and a check that is not of SIP fails",
    Reason.CERTIFICATE_FAILS: "it answers SIP, and its TLS certificate is not accepted or runs out soon",
    Reason.MISSING_ANSWERS: "answers are missing, not yet enough of them to decide",
    Reason.WE_MAY_BE_CUT_OFF: "nothing else answers us either: we may be the ones cut off",
    Reason.RECOVERED: "it answers again",
    Reason.HOLD_DOWN_OVER: "it stayed healthy for the whole hold-down",
    Reason.TRIAL_CALLS_GOOD: "the trial calls were put through",
    Reason.TRIAL_CALLS_BAD: "the trial calls were not put through",
    Reason.PERSON_ORDERED_FAILBACK: "a person ordered the failback",
    Reason.PERSON_FORCED_DR: "a person forced DR mode",
    Reason.PERSON_FORCED_NORMAL: "a person forced normal mode",
    Reason.PERSON_FROZE: "a person froze the mode",
    Reason.PERSON_RELEASED: "a person gave the decision back to the automatic",
    Reason.OVERRIDE_EXPIRED: "the person's override reached its end",
    Reason.FIRST_START: "first start: calls go to the platform",
    Reason.FOUND_IN_ASTERISK: "the database knew nothing; this is what Asterisk had been told",
}
