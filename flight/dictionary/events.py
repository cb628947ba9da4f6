"""Events: what each id means, for the operator who reads it. Severities live in flight/core.

Ids are stable. A fault that ends gives its id with `.cleared`. A test checks that this table
and the core know the same ids.
"""

from types import MappingProxyType
from typing import Final

from flight.dictionary.event_kind import EventKind
from flight.dictionary.service_events import SERVICES

_NONE = "None."

FAULTS: Final = MappingProxyType(
    {
        "accel.core_hot": EventKind(
            "A core is above the guard's set-point band.",
            "None while it settles; if it stays, compare the coolant supply with the other cores.",
        ),
        "accel.core_over_temperature": EventKind(
            "A core reached the last step below its maximum: its rails were switched off.",
            "Find out why guard and cap did not hold; it is re-closed once it has cooled.",
        ),
        "accel.memory_hot": EventKind(
            "Memory is above its set-point band.", "Lower the operator limit if it stays."
        ),
        "accel.memory_over_temperature": EventKind(
            "Memory reached the last step: rails off.", "As accel.core_over_temperature."
        ),
        "accel.recovery_needed": EventKind(
            "The accelerator asks for a recovery action.", "Drain it and carry the action out."
        ),
        "accel.communication_lost": EventKind(
            "No trusted core temperature: the cap is safe. Not an over-temperature.",
            "None; it is power-cycled if it stays silent.",
        ),
        "accel.power_cycle_due": EventKind(
            "The accelerator stayed silent and is power-cycled.", "Watch the retry count."
        ),
        "accel.library_power_cycle": EventKind(
            "The library that the lost accelerators share did not return: they are power-cycled, a"
            " few at a time.",
            "Look at the library's driver; their jobs are lost.",
        ),
        "accel.uncontrolled": EventKind(
            "An accelerator draws more than its cap and cannot be told: it is power-cycled.",
            "Look at its driver; it is latched off after the tries allowed.",
        ),
        "accel.blind": EventKind(
            "Neither core temperature nor rail power is known: rails off.",
            "Restore the accelerator's driver or its rail driver.",
        ),
        "accel.memory_sensor_lost": EventKind(
            "No trusted memory temperature: the cap is safe.",
            "Check the sensor; disable if it stays.",
        ),
        "accel.core_sensor_stuck": EventKind(
            "A core reading stood still while its power moved: it is not trusted, the cap is safe.",
            "None if it moves again; if it stays, disable the accelerator.",
        ),
        "accel.core_disagrees": EventKind(
            "A core reads far from cores at like power. A colder one counts as warm as its peers.",
            "Compare its plate and its rail's power; calibrate, or disable it.",
        ),
        "accel.power_disagrees": EventKind(
            "An accelerator and its rail measure different powers: the higher one counts.",
            "Compare with payload_54v; a rail that draws more may have a fault behind it.",
        ),
        "accel.cooling_degraded": EventKind(
            "A core is further above its plate per watt than its peers: thermal paste, or a lid.",
            "Lower its operator limit; plan its replacement.",
        ),
        "accel.memory_errors": EventKind(
            "Corrected memory errors come fast: a slope that precedes uncorrectable ones.",
            "Outside of a radiation zone: checkpoint, and reset it at leisure.",
        ),
        "accel.link_errors": EventKind(
            "The host link of an accelerator repeats transfers.",
            "Look at its width and speed; reset it at the next checkpoint.",
        ),
        "accel.slowdown": EventKind(
            "The device brakes itself: hardware slowdown, heat or power brake.",
            "It should never come to that: compare core, memory and rail with their limits.",
        ),
        "accel.cap_not_taken": EventKind(
            "The cap that a device reads back is not the one granted.",
            "Above: look at permissions and its driver. Below: the device is clamped by itself.",
        ),
        "accel.cap_not_obeyed": EventKind(
            "Power stayed above the cap: the clock is lowered.",
            "Reset its firmware; the clock rises by itself while the cap is kept.",
        ),
        "accel.cap_not_enforceable": EventKind(
            "Neither cap nor clock lowered the power: rails off, latched.",
            "clear_latched on the accelerator when it may be tried again.",
        ),
        "accel.reflex_latched": EventKind(
            "The driver's own reflex holds the minimum cap.",
            "None: it is re-armed once the core has stayed cool.",
        ),
        "accel.lease_lapsed": EventKind(
            "The driver saw no supervisor for a lease and applied the safe cap.",
            "Find the stall of the daemon; caps ramp up by themselves.",
        ),
        "rail.latch_up": EventKind(
            "Auxiliary current above its limit in two samples: both rails off, closed once.",
            "None; more than three in ten minutes latch it off.",
        ),
        "rail.micro_latch": EventKind(
            "Auxiliary current stays a little above nominal: a partial latch-up.",
            "Power-cycle the accelerator when its job allows: disable, then enable it.",
        ),
        "rail.over_current": EventKind(
            "Current above its limit beyond the transient mask.",
            "Check the load before clear_latched.",
        ),
        "rail.under_voltage": EventKind("A host rail is low.", "Check its regulator and its load."),
        "rail.over_voltage": EventKind("A rail is high.", "Check its regulator."),
        "rail.voltage_disagrees": EventKind(
            "A closed module rail and payload_54v that feeds it differ: a switch, or a meter.",
            "If its temperature rises too, disable the accelerator.",
        ),
        "rail.current_disagrees": EventKind(
            "payload_54v carries another current than its modules together: a leak, or a meter.",
            "Compare with the battery's current.",
        ),
        "rail.over_temperature": EventKind("A rail's switch is hot.", "Lower the load behind it."),
        "rail.tripped": EventKind(
            "A rail commanded on lost its voltage: off in order, closed once.",
            "Read its status word; none if it does not return.",
        ),
        "rail.communication_lost": EventKind(
            "The part of a rail does not answer; its switch keeps its last state.",
            "Look at the bus; if it stays, disable the accelerator.",
        ),
        "rail.failed_closed": EventKind(
            "Current flows through a switch commanded off.",
            "Module: payload_54v is open; disable the accelerator, then clear_latched payload_54v.",
        ),
        "rail.off_unconfirmed": EventKind(
            "A switch-off is not confirmed: a part does not answer, or its switch reads closed.",
            "Look at the bus. It is tried again; it is not switched on before both read open.",
        ),
        "rail.switch_closed": EventKind(
            "A switch that had opened conducts or reads closed again, without current yet.",
            "Disable the accelerator; with current, payload_54v is opened.",
        ),
        "rail.cannot_open": EventKind(
            "A module that must be off for safety stays on: payload_54v is opened instead.",
            "As rail.failed_closed.",
        ),
        "device.write_refused": EventKind(
            "A driver refused a value outside a point's immutable limits.",
            "Compare the limits of [points] with those of the law; report it.",
        ),
        "device.write_failed": EventKind(
            "Writes to a device fail and are tried again.", "Look at its bus and its driver."
        ),
        "device.abandoned": EventKind(
            "A driver saw no daemon for so long that it switched its rails off.",
            "Find out why the daemon was away; rails are switched on again in order.",
        ),
        "loop.supply_cold": EventKind(
            "Coolant supply below its limit.", "Check bypass and heaters; raise the load."
        ),
        "loop.supply_hot": EventKind(
            "Coolant supply above its limit.", "Check attitude and bypass valve; lower the load."
        ),
        "loop.return_hot": EventKind("Coolant return above its limit.", "Check the flow."),
        "loop.return_disagrees": EventKind(
            "The return is not the mean of the plates' outlets: a sensor, or uneven flow.",
            "See plate.blocked.",
        ),
        "loop.radiator_cold": EventKind(
            "Radiator outlet near freezing.", "Check the bypass valve; raise the load."
        ),
        "loop.radiator_degraded": EventKind(
            "The radiator rejects less heat than its temperature should: attitude, or its coating.",
            "Check the attitude; lower the load if the return rises.",
        ),
        "loop.pressure_high": EventKind("Loop pressure above its limit.", "Check for a blockage."),
        "loop.pressure_low": EventKind(
            "Less pressure than the flow needs: gas in the loop, or a sensor.",
            "Watch the flow and the accumulator.",
        ),
        "loop.blocked": EventKind(
            "More pressure than the flow needs: a blockage.", "Look for the plate that is hot."
        ),
        "loop.leak": EventKind(
            "The accumulator loses level that no temperature explains.",
            "Estimate the time left; plan the node without coolant.",
        ),
        "loop.accumulator_low": EventKind("The accumulator is nearly empty.", "Suspect a leak."),
        "loop.flow_low": EventKind("Coolant flow below its limit.", "See loop.pump_lost."),
        "loop.flow_disagrees": EventKind(
            "Flow and pump speed do not belong together: wear, gas, or a sensor.",
            "Compare the pressure; try the other pump.",
        ),
        "loop.pump_worn": EventKind(
            "A pump draws more current than its speed needs: bearing, or a weak motor.",
            "Make the other pump the lead.",
        ),
        "loop.blind": EventKind(
            "The loop controller stayed silent: SAFE.", "Restore its driver, then set_mode."
        ),
        "plate.hot": EventKind(
            "A cold plate's outlet is hot.", "Compare with its neighbours: a blockage shows alone."
        ),
        "plate.blocked": EventKind(
            "Coolant warms more in one plate per watt than in its peers: less flow.",
            "Lower the operator limit of its accelerator.",
        ),
        "plate.outlet_disagrees": EventKind(
            "A plate's outlet reads far from those at like power.",
            "With plate.blocked it is true; without, it is the sensor.",
        ),
        "eps.bus54_low": EventKind(
            "Payload bus under-voltage: minimum caps at once.", "Check the battery and the bus."
        ),
        "eps.bus54_high": EventKind("Payload bus over-voltage.", "Check charge control."),
        "eps.bus28_low": EventKind("Avionics bus under-voltage.", "Shed avionics loads."),
        "eps.bus28_high": EventKind("Avionics bus over-voltage.", "Check its regulator."),
        "eps.string_lost": EventKind(
            "A string of the array gives far less than its peers in sunlight.",
            "Recompute the energy budget; none if it returns.",
        ),
        "eps.allotment_lapsed": EventKind(
            "No grant of the spacecraft is in force: the node keeps to its fallback.",
            "None if one comes; else look at the spacecraft's side.",
        ),
        "eps.array_low": EventKind(
            "In sunlight the battery gives power: the array does not carry the node.",
            "Check attitude and strings; lower the planned load before the eclipse.",
        ),
        "eps.charge_high": EventKind(
            "Charge current above its limit.", "Check charge control; heat and cold make it worse."
        ),
        "eps.discharge_high": EventKind(
            "Discharge current above its limit.", "Compare with the sum of the loads: a short?"
        ),
        "eps.battery_low": EventKind(
            "Battery voltage below its limit.", "Compare with the state of charge: a lost cell?"
        ),
        "eps.charge_unknown": EventKind(
            "No state of charge: the ladder goes one rung down after ladder.unknown_s.",
            "Restore the driver of the power system.",
        ),
        "eps.charging_cold": EventKind(
            "A battery below its limit is being charged: it plates the cells.",
            "Stop the charge; check its heater.",
        ),
        "eps.voltage_disagrees": EventKind(
            "Battery and payload bus read different voltages.", "Compare with payload_54v."
        ),
        "eps.battery_hot": EventKind(
            "Battery above its limit.", "Find the cause first: attitude, heater, charge current."
        ),
        "eps.battery_cold": EventKind(
            "Battery below its limit: charging now plates the cells.", "Check its heater."
        ),
        "host.cpu_hot": EventKind("The host processor is hot.", "Lower the host's load."),
        "host.memory_errors": EventKind(
            "The host's memory corrects errors fast.", "Restart the host at leisure; see its log."
        ),
        "host.drive_hot": EventKind("A drive is hot.", "Lower its load."),
        "host.drive_worn": EventKind("A drive is near its end of life.", "Move its data."),
        "host.disk_full": EventKind("Little disk space is left.", "Dump or drop recordings."),
        "driver.communication_lost": EventKind(
            "A driver gives no good samples.", "None at first: it is restarted; then see its log."
        ),
        "driver.library_lost": EventKind(
            "More accelerators are silent at once than fail by chance: the library they share.",
            "None at first: it is loaded again. They are power-cycled in turns if it stays lost.",
        ),
    }
)

TRANSITIONS: Final = MappingProxyType(
    {
        "mode.changed": EventKind("The mode changed; the text names the event.", _NONE),
        "mode.safe": EventKind("The node went to SAFE.", "Find the cause, then set_mode."),
        "mode.survival": EventKind("The node went to SURVIVAL.", "Restore the power balance."),
        "charge.rung_down": EventKind(
            "State of charge fell below a rung of the ladder.", "Lower the planned load."
        ),
        "charge.rung_up": EventKind("State of charge is a rung higher.", _NONE),
        "loop.pump_lost": EventKind(
            "The running pump failed: caps are safe, the standby pump starts.",
            "Plan for a loop without redundancy.",
        ),
        "loop.no_flow": EventKind(
            "No coolant flow in time: accelerators off, SAFE.",
            "clear_latched a pump, then set_mode.",
        ),
        "loop.recovered": EventKind("Flow has been good: caps are released.", _NONE),
        "pump.failed": EventKind(
            "A pump is marked failed and left off.",
            "clear_latched pump_a or pump_b to use it again.",
        ),
        "pump.cleared": EventKind("A pump may run again.", _NONE),
        "rail.adopted": EventKind("Rails were taken over as found.", _NONE),
        "rail.switching_on": EventKind("An accelerator's rails are being switched on.", _NONE),
        "rail.switched_off": EventKind(
            "An accelerator's rails were switched off on purpose.", _NONE
        ),
        "rail.fault_off": EventKind(
            "An accelerator's rails were switched off for a fault.", "See the fault beside it."
        ),
        "rail.latched_off": EventKind(
            "An accelerator stays off: too many retries, or a fault that forbids one.",
            "clear_latched on the accelerator.",
        ),
        "rail.unlatched": EventKind("A latched accelerator may be switched on again.", _NONE),
        "accel.uncorrected_error": EventKind(
            "Uncorrectable memory errors: the first is told at once, then how many came.",
            "Check the job; reset at the next checkpoint.",
        ),
        "accel.xid": EventKind("The accelerator reported another Xid.", "Look the code up."),
        "accel.draining": EventKind(
            "A planned switch-off or reset waits for the workload.", "None; it has a deadline."
        ),
        "accel.drained": EventKind("The workload left, or its time was over.", _NONE),
        "accel.reset": EventKind(
            "The driver was asked to reset an accelerator.",
            "None; one that stays silent is power-cycled.",
        ),
        "accel.reset_done": EventKind("An accelerator fell silent and answers again.", _NONE),
        "accel.reset_failed": EventKind(
            "A reset showed no effect in its time: the accelerator never fell silent, or still is.",
            "See the status of the request in the log: refused while a client holds it, or unable.",
        ),
        "accel.retired": EventKind(
            "An accelerator is out of service for good.",
            "return_to_service when it may be tried again.",
        ),
        "accel.returned": EventKind("A retired accelerator may be switched on again.", _NONE),
        "accel.disabled": EventKind("An operator keeps an accelerator off.", _NONE),
        "accel.enabled": EventKind("An operator lets an accelerator be switched on.", _NONE),
        "node.budget_set": EventKind(
            "An operator changed the power that the whole node may draw; the text has old and new.",
            _NONE,
        ),
        "limit.set": EventKind("The limits of operators on an accelerator changed.", _NONE),
        "limit.ended": EventKind("No operator limits an accelerator any more.", _NONE),
        "accel.on_probation": EventKind("An accelerator answers; its cap is safe for now.", _NONE),
        "accel.in_service": EventKind("An accelerator is in service; its cap ramps up.", _NONE),
        "payload.on": EventKind("The payload bus is being closed, or is good.", _NONE),
        "payload.off": EventKind("The payload bus is open.", "See the fault beside it, if any."),
        "payload.latched_off": EventKind(
            "The payload bus stays open.", "clear_latched payload_54v once it is safe."
        ),
        "response.inhibited": EventKind(
            "An operator inhibited a response, or that of one fault.", "Watch it yourself."
        ),
        "response.enabled": EventKind("An inhibit ended; the response works again.", _NONE),
    }
)


def kind(event_id: str) -> EventKind:
    """Return what an event of the core means.

    Raises:
        KeyError: No such id.
    """
    fault = event_id.removesuffix(".cleared")
    if fault in FAULTS:
        found = FAULTS[fault]
        return found if fault == event_id else EventKind(f"Over: {found.cause}", _NONE)
    return TRANSITIONS[event_id]


__all__ = ["EVENT_IDS", "FAULTS", "SERVICES", "TRANSITIONS", "EventKind", "kind"]

EVENT_IDS: Final = frozenset(
    {*FAULTS, *(f"{fault}.cleared" for fault in FAULTS), *TRANSITIONS, *SERVICES}
)
