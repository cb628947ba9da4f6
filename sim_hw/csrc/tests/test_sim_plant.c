/** @file test_sim_plant.c  Plants of all shapes under random inputs: finite, bounded, closed. */
#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "plant/plant.h"

static const sim_plant_config_t ref1 =
#include "plant_ref1.inc"
    ;

static sim_plant_image_t image;
static sim_plant_t plant;
static uint64_t random_state;
static int rubbish = 0x41; /* in memory before the start: a great number in every double */

static double uniform(double low, double high) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return low + (high - low) * (double)(random_state >> 11) * 0x1p-53;
}

static bool chance(double part) {
    return uniform(0.0, 1.0) < part;
}

static double either(void) {
    return chance(0.5) ? 1.0 : 0.0;
}

static void fill_orbit(sim_orbit_table_t *table) {
    memset(table, 0, sizeof *table);
    table->is_conical = either();
    const double period = uniform(20.0, 600.0);
    for (int32_t i = 0; i < SIM_ORBIT_ROWS; i++) {
        table->elevation[i] = 60.0 * sin((double)i / period);
        table->solar_w_per_m2[i] = uniform(1300.0, 1420.0);
        table->array_cos[i] = uniform(0.0, 1.0);
        table->array_albedo_w_per_m2[i] = uniform(0.0, 400.0);
        table->radiator_direct_w_per_m2[i] = uniform(0.0, 1400.0);
        table->radiator_albedo_w_per_m2[i] = uniform(0.0, 400.0);
        table->radiator_infrared_w_per_m2[i] = uniform(0.0, 240.0);
    }
}

static void start(int32_t count, const sim_plant_config_t *config) {
    sim_plant_start_t begin = {
        .accelerator_count = count,
        .rails_on = chance(0.7),
        .charge_ratio = uniform(0.0, 1.0),
        .host_temp_c = uniform(-20.0, 60.0),
        .coolant_temp_c = uniform(-10.0, 60.0),
        .battery_temp_c = uniform(-20.0, 45.0),
    };
    for (int32_t i = 0; i < SIM_ACCELERATORS_MAX; i++) {
        begin.core_temp_c[i] = uniform(-20.0, 85.0);
        begin.core_k_per_w[i] = uniform(0.04, 0.05);
    }
    memset(&image, 0, sizeof image);
    memset(&plant, rubbish, sizeof plant); /* init sets all but configuration and orbit */
    plant.config = *config;
    fill_orbit(&plant.orbit);
    sim_plant_init(&plant, &image, &begin);
}

static void turn_switches(void) {
    sim_setpoint_t *setpoint = &image.setpoint;
    for (int32_t i = 0; i < SIM_ACCELERATORS_MAX; i++) {
        setpoint->module_enabled[i] = chance(0.9) ? 1.0 : 0.0;
        setpoint->aux_enabled[i] = chance(0.9) ? 1.0 : 0.0;
        setpoint->accel_cap_w[i] = uniform(0.0, 1000.0);
        setpoint->accel_clock_max_mhz[i] = uniform(0.0, 2500.0);
        plant.accelerators.utilisation_target[i] = uniform(-0.5, 1.5);
        image.knobs.accel_cap_ignored[i] = chance(0.1) ? 1.0 : 0.0;
    }
    for (int32_t i = 0; i < 2; i++) {
        setpoint->pump_speed_target_rpm[i] = uniform(-1000.0, 9000.0);
        setpoint->loop_heater_on[i] = either();
    }
    setpoint->payload_enabled = chance(0.95) ? 1.0 : 0.0;
    setpoint->bypass_ratio = uniform(-0.2, 1.2);
    setpoint->battery_heater_on = either();
}

static double seldom(double low, double high, double neutral) {
    return chance(0.15) ? uniform(low, high) : neutral;
}

static void break_pumps_and_heat(void) {
    sim_heat_faults_t *heat = &plant.faults.heat;
    for (int32_t i = 0; i < 2; i++) {
        plant.faults.pumps.torque_ratio[i] = seldom(0.0, 1.0, 1.0);
        plant.faults.pumps.breaker_open[i] = chance(0.15) ? 1.0 : 0.0;
        plant.faults.pumps.head_ratio[i] = seldom(0.0, 1.0, 1.0);
        heat->heater_stuck_on[i] = chance(0.1) ? 1.0 : 0.0;
        heat->heater_stuck_off[i] = chance(0.1) ? 1.0 : 0.0;
    }
    plant.faults.pumps.leak_kg_per_s = seldom(0.0, 0.01, 0.0);
    for (int32_t i = 0; i < SIM_ACCELERATORS_MAX; i++) {
        heat->interface_ratio[i] = seldom(1.0, 20.0, 1.0);
        heat->plate_open_ratio[i] = seldom(0.0, 1.0, 1.0);
    }
    heat->emissivity_ratio = seldom(0.3, 1.0, 1.0);
    heat->absorptance_ratio = seldom(1.0, 4.0, 1.0);
    heat->bypass_stuck = chance(0.1) ? 1.0 : 0.0;
    heat->bypass_drive_cold = chance(0.1) ? 1.0 : 0.0;
    heat->bypass_drive_hot = chance(0.1) ? 1.0 : 0.0;
}

static void break_power(void) {
    sim_power_faults_t *power = &plant.faults.power;
    for (int32_t i = 0; i < SIM_STRINGS_MAX; i++) {
        power->string_ok[i] = chance(0.9) ? 1.0 : 0.0;
    }
    for (int32_t i = 0; i < SIM_BATTERY_CELLS_MAX; i++) {
        power->cell_short[i] = chance(0.01) ? 1.0 : 0.0;
    }
    power->pointing_ratio = seldom(0.0, 1.0, 1.0);
    power->strands_open = chance(0.1) ? 1.0 : 0.0;
    power->limiter_trip[0] = chance(0.05) ? 1.0 : 0.0;
    power->limiter_trip[1] = chance(0.05) ? 1.0 : 0.0;
    power->payload_short_a = seldom(0.0, 500.0, 0.0);
}

static void break_accelerators(void) {
    sim_accelerators_faults_t *accelerators = &plant.faults.accelerators;
    for (int32_t i = 0; i < SIM_ACCELERATORS_MAX; i++) {
        accelerators->latch_current_a[i] = seldom(0.0, 3.0, 0.0);
        accelerators->ecc_corrected_pending[i] = chance(0.2) ? 3.0 : 0.0;
        accelerators->ecc_uncorrected_pending[i] = chance(0.02) ? 1.0 : 0.0;
        accelerators->ecc_uncontained_pending[i] = chance(0.02) ? 1.0 : 0.0;
        accelerators->hang_pending[i] = chance(0.02) ? 1.0 : 0.0;
        accelerators->off_bus_pending[i] = chance(0.02) ? 1.0 : 0.0;
        image.boards.reset_count[i] += chance(0.05) ? 1.0 : 0.0;
    }
}

/* A node of another shape: without loop, array, battery or converter, or with other cells. */
static sim_plant_config_t some_shape(void) {
    sim_plant_config_t config = ref1;
    config.heat.loop.enabled = chance(0.6) ? 1.0 : 0.0;
    config.heat.loop.pipe_cells = (int32_t)uniform(1.0, 65.0);
    config.heat.radiator.node_count = (int32_t)uniform(1.0, 65.0);
    config.heat.radiator.faces = chance(0.5) ? 1 : 2;
    config.heat.radiator.fluid_mass_kg = uniform(0.5, 10.0);
    config.heat.stack.strap_w_per_k = uniform(0.5, 50.0);
    config.power.array.enabled = config.power.battery.enabled = chance(0.7) ? 1.0 : 0.0;
    config.power.array.string_count = (int32_t)uniform(1.0, 9.0);
    config.power.array.peak_power_tracking = either();
    config.power.avionics.enabled = chance(0.7) ? 1.0 : 0.0;
    config.power.battery.cell_count = (int32_t)uniform(1.0, 17.0);
    config.power.battery.imbalance_ratio = uniform(0.0, 0.05);
    config.power.battery.capacity_wh = uniform(500.0, 20000.0);
    return config;
}

/* All truths are doubles: a NaN anywhere shows here. A battery that is not there has no numbers. */
static void all_truths_are_numbers(void) {
    sim_truth_t truth = image.truth;
    if (plant.config.power.battery.enabled < 0.5) {
        truth.battery_voltage_v = truth.battery_current_a = truth.charge_ratio = 0.0;
    }
    const double *word = (const double *)&truth;
    for (size_t i = 0; i < SIM_TRUTH_WORDS; i++) {
        CHECK(isfinite(word[i]));
    }
}

static void what_is_not_there_stays_0(int32_t count) {
    for (int32_t i = count; i < SIM_ACCELERATORS_MAX; i++) {
        CHECK(image.truth.accel_power_w[i] == 0.0);
        CHECK(image.truth.accel_alive[i] == 0.0);
        CHECK(image.truth.accel_core_temp_c[i] == 0.0);
        CHECK(image.truth.module_voltage_v[i] == 0.0);
    }
}

static void bounds_hold(int32_t count) {
    CHECK(plant.power.charge_ratio >= -1e-3 && plant.power.charge_ratio <= 1.0 + 1e-9);
    CHECK(image.truth.flow_kg_per_s >= 0.0);
    CHECK(plant.power.generated_w >= 0.0);
    for (int32_t i = 0; i < count; i++) {
        CHECK(image.truth.accel_power_w[i] >= 0.0);
        CHECK(image.truth.accel_utilisation_ratio[i] >= 0.0);
        CHECK(image.truth.accel_utilisation_ratio[i] <= 1.0);
    }
}

static void energy_closes(void) {
    const sim_ledger_t *ledger = &plant.ledger;
    const double in_j = ledger->generated_j - ledger->load_j - ledger->battery_loss_j;
    const double stored_j = plant.power.stored_j - ledger->stored_start_j;
    const double through_j = ledger->generated_j + ledger->load_j + 1.0;
    CHECK_NEAR(in_j, stored_j, 1e-9 * through_j + 1e-3);
    const double heat_in_j = ledger->load_j + ledger->battery_loss_j + ledger->absorbed_j;
    const double heat_out_j = ledger->radiated_j + ledger->leak_j;
    const double held_j = sim_plant_held_heat_j(&plant) - ledger->heat_start_j;
    CHECK_NEAR(heat_in_j - heat_out_j, held_j, 1e-6 * (heat_in_j + heat_out_j) + 1.0);
}

static void fly(int32_t count, const sim_plant_config_t *config, int32_t steps) {
    fprintf(stderr, "%" PRId32 " accelerators from state %" PRIu64 "\n", count, random_state);
    start(count, config);
    all_truths_are_numbers();
    double time_s = 0.0;
    for (int32_t k = 0; k < steps; k++) {
        if (chance(0.02)) {
            turn_switches();
        }
        if (chance(0.01)) {
            break_pumps_and_heat();
            break_power();
            break_accelerators();
        }
        const double dt_s = chance(0.8) ? 0.1 : uniform(1e-6, 0.2);
        time_s += dt_s;
        sim_plant_advance(&plant, dt_s);
        sim_plant_follow_switches(&plant);
        bounds_hold(count);
    }
    CHECK_NEAR(plant.time_s, time_s, 1e-6);
    CHECK(image.time_s == plant.time_s);
    all_truths_are_numbers();
    what_is_not_there_stays_0(count);
    energy_closes();
}

static void plants_of_all_sizes_close_and_stay_finite(void) {
    for (uint64_t seed = 1; seed <= 16; seed++) {
        random_state = seed;
        fly((int32_t)(seed % SIM_ACCELERATORS_MAX) + 1, &ref1, 4000);
    }
}

static void plants_of_all_shapes_close_and_stay_finite(void) {
    for (uint64_t seed = 100; seed < 148; seed++) {
        random_state = seed;
        const sim_plant_config_t config = some_shape();
        fly((int32_t)(seed % SIM_ACCELERATORS_MAX) + 1, &config, 2000);
    }
}

static void same_inputs_give_the_same_bits_whatever_was_in_memory(void) {
    static sim_truth_t first;
    for (int32_t k = 0; k < 2; k++) {
        rubbish = k == 0 ? 0x41 : 0x00;
        random_state = 99;
        fly(8, &ref1, 1000);
        if (k == 0) {
            first = image.truth;
        }
    }
    CHECK(memcmp(&first, &image.truth, sizeof first) == 0);
}

int main(void) {
    plants_of_all_sizes_close_and_stay_finite();
    plants_of_all_shapes_close_and_stay_finite();
    same_inputs_give_the_same_bits_whatever_was_in_memory();
    return 0;
}
