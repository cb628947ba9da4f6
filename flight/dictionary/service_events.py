"""Events of the services, which are not those of the core: ids, causes, what to do."""

from types import MappingProxyType
from typing import Final

from flight.core.types import Severity
from flight.dictionary.event_kind import EventKind

_NONE = "None."
_I, _W, _C = Severity.INFO, Severity.WARNING, Severity.CRITICAL

SERVICES: Final = MappingProxyType(
    {
        "cycle.late": EventKind(
            "A cycle started more than 300 ms late: it wrote nothing and took a new epoch.",
            "Look for what held the machine; leases may have lapsed meanwhile.",
            _W,
        ),
        "priority.refused": EventKind(
            "The host refuses the cycle its real-time priority: it runs at normal priority.",
            "Allow it in the unit (LimitRTPRIO=), or set supervision.realtime_priority = 0.",
            _W,
        ),
        "task.restart": EventKind("A task ended and was started again.", "Look at its error.", _W),
        "link.up": EventKind("The broker took the node's birth.", _NONE),
        "link.down": EventKind(
            "The broker cannot be reached, or no longer; what is made meanwhile waits.",
            "None at first: it is tried again for ever; the text says why.",
        ),
        "link.needs_mend": EventKind(
            "The broker cannot be reached, and trying again will not help by itself.",
            "Mend what the text names; it is tried again every few minutes.",
        ),
        "link.message_refused": EventKind(
            "The broker does not take messages of a topic: they count as lost.",
            "Mend the broker's access list or limits; tried again after ten minutes.",
        ),
        "task.end": EventKind("A task ended and is not started again.", _NONE),
        "task.budget_spent": EventKind(
            "A task failed more often than its budget allows.",
            "Look at its error; it is tried on.",
            _C,
        ),
        "task.stuck": EventKind(
            "A task does not end, even when cancelled.", "Restart the daemon.", _W
        ),
        "events.squelched": EventKind(
            "More events of one severity than its budget: the rest is counted, not sent.",
            "Read the recording, which keeps them; find what floods.",
            _W,
        ),
        "events.squelch_ended": EventKind(
            "The flood of events is over; the text counts what was held back by id.", _NONE, _W
        ),
        "time.jumped": EventKind(
            "The clock of the host jumped; control goes by the monotonic clock and saw nothing.",
            "Find out who set it; UTC stamps before and after do not compare.",
            _W,
        ),
        "time.leap_second": EventKind("A leap second was put in or left out.", _NONE, _I),
        "time.untrusted": EventKind(
            "UTC is not trusted: stamps carry the mark, and nothing expires by UTC.",
            "Restore the source of time, or vouch for the clock.",
            _W,
        ),
        "time.trusted": EventKind("UTC is trusted from here on.", _NONE, _I),
        "store.created": EventKind("There is no state yet: the first start of a node.", _NONE),
        "store.damaged": EventKind(
            "A slot of the state file is torn, flipped, empty or unreadable.",
            "None, the other slot is used; if it returns, look at the disk.",
        ),
        "store.lost": EventKind(
            "No slot is complete: safe defaults, SAFE. The file is kept as .damaged.",
            "Set modes, limits, latches and parameters again; dump the file and find the cause.",
        ),
        "store.newer": EventKind(
            "A newer program wrote the state: safe defaults, SAFE. The file is kept as .newer.",
            "Fly the newer program with that file, or set the node up again.",
        ),
        "store.migrated": EventKind("The state of an earlier schema was taken over.", _NONE),
        "store.write_failed": EventKind(
            "State cannot be written; it is kept in memory and tried again each second.",
            "Look at the disk: what changes now is lost by a restart.",
        ),
        "store.write_restored": EventKind("State is durable again.", _NONE),
        "boot.planned": EventKind(
            "The daemon starts; the run before ended in order, or there was none.", _NONE
        ),
        "boot.unplanned": EventKind(
            "The daemon starts after a crash, a kill or a loss of power.",
            "Find the cause; three in ten minutes, or a fallen host, lead to SAFE.",
        ),
        "boot.budget_spent": EventKind(
            "Too many unplanned starts: golden configuration, SAFE, an attempt per ten minutes.",
            "Find the cause; set_mode once an attempt has lasted ten minutes.",
        ),
        "boot.unrecorded": EventKind(
            "The start cannot be written down, so crashes cannot be counted: SAFE, golden.",
            "Look at the disk of the state file, then restart in order.",
        ),
        "parameter.changed": EventKind("A parameter has another value.", _NONE),
        "parameter.confirmed": EventKind("Changed parameters are kept.", _NONE),
        "parameter.reverted": EventKind(
            "Changed parameters were not confirmed, or taken back: the values of before hold.",
            "Stage and activate again, and confirm in time.",
        ),
        "parameter.set_aside": EventKind(
            "A stored parameter is not used: golden configuration, or it fits the file no more.",
            "Stage it again with a value that fits, or leave it.",
        ),
        "ephemeris.stale": EventKind(
            "No eclipse ahead is known: no trusted UTC, or elements that are missing, old or bad.",
            "Send a fresh element set; check the time source.",
        ),
        "ephemeris.stale.cleared": EventKind("Eclipses ahead are known again.", _NONE),
        "plan.accepted": EventKind("A plan of caps is in force.", _NONE),
        "plan.rejected": EventKind(
            "A plan cannot be used; the one before stays until its validity ends.",
            "Mend the file as the text says.",
        ),
        "plan.expired": EventKind(
            "The plan's validity is over: the node falls back.", "Send a plan."
        ),
        "allotment.accepted": EventKind("A grant of the spacecraft is in force.", _NONE),
        "allotment.rejected": EventKind(
            "A grant cannot be used; the one before stays until its validity ends.",
            "Mend the file as the text says.",
        ),
        "workload.owner": EventKind("A job has taken accelerators.", _NONE),
        "workload.owner_gone": EventKind(
            "A job went away and did not come back in time: its claim has ended.",
            "Look at the job's own log.",
        ),
        "workload.client_dropped": EventKind(
            "A job's connection was closed: it did not read, or sent lines that are no messages.",
            "Mend the job's client.",
        ),
        "workload.port_closed": EventKind(
            "The socket for jobs cannot be opened; it is tried again.", "Mend what the text names."
        ),
        "workload.port_closed.cleared": EventKind("The socket for jobs is open again.", _NONE),
        "workload.file_failed": EventKind(
            "The file with the notices cannot be written; it is tried again.",
            "Mend what the text names.",
        ),
        "workload.file_failed.cleared": EventKind("The file with the notices is written.", _NONE),
        "task.restart_planned": EventKind("A task was started again on purpose.", _NONE),
        "task.stalled": EventKind(
            "A task made no progress: it is cancelled and started again.",
            "Look at what it waits for.",
        ),
        "watchdog.withheld": EventKind(
            "The watchdog is not stroked; the text says who is to blame.",
            "Restart that task; the host is reset when it lasts.",
        ),
        "watchdog.stroked": EventKind("The watchdog is stroked again.", _NONE),
        "memory.high": EventKind(
            "The process holds more memory than its bound.",
            "None: it is restarted in order if that stays. Look for what grows.",
        ),
        "daemon.service_failed": EventKind(
            "A service raised an error where it takes cycles or events; the others go on.",
            "Report the line: what that service does is missing until the next start.",
            _W,
        ),
        "daemon.stray_error": EventKind(
            "An error in a background thread or a callback, which no task holds.",
            "Report the line; restart the daemon if something is missing.",
            _W,
        ),
        "daemon.task_left": EventKind(
            "A task ignores its end: the process is ended without it, after the safe values.",
            "Report the task.",
            _W,
        ),
        "daemon.exit_forced": EventKind(
            "The end took too long, and the process was ended by force; in the log alone.",
            "Report the threads that it names.",
            _C,
        ),
        "daemon.blocked": EventKind(
            "A call held the event loop; the text names its line.",
            "Report the line: nothing else ran meanwhile.",
            _W,
        ),
    }
)
