/** @file test_sim_environment.c  The orbit's table between its rows and beyond its ends. */
#include "check.h"
#include "plant/environment.h"

static sim_orbit_table_t table;
static sim_environment_t now;

/** Columns that rise by one a row, each from a base of its own. */
static void fill(void) {
    table.low_s = 100.0;
    table.is_conical = 1.0;
    for (int32_t row = 0; row < SIM_ORBIT_ROWS; row++) {
        table.elevation[row] = 5.0;
        table.solar_w_per_m2[row] = 1000.0 + row;
        table.array_cos[row] = 2000.0 + row;
        table.array_albedo_w_per_m2[row] = 3000.0 + row;
        table.radiator_direct_w_per_m2[row] = 4000.0 + row;
        table.radiator_albedo_w_per_m2[row] = 50000.0 + row;
        table.radiator_infrared_w_per_m2[row] = 6000.0 + row;
    }
}

static void test_sunlight_is_the_part_of_the_disc_above_the_limb(void) {
    CHECK(sim_sunlight_ratio(1.0) == 1.0);
    CHECK(sim_sunlight_ratio(7.0) == 1.0);
    CHECK(sim_sunlight_ratio(-1.0) == 0.0);
    CHECK(sim_sunlight_ratio(-7.0) == 0.0);
    CHECK_NEAR(sim_sunlight_ratio(0.0), 0.5, 1e-15);
    /* Half a radius above: 1 less the segment of 120 degrees, (2 pi / 3 - sin 120) / 2 of pi. */
    CHECK_NEAR(sim_sunlight_ratio(0.5), 0.8044988905, 1e-9);
    CHECK_NEAR(sim_sunlight_ratio(0.5) + sim_sunlight_ratio(-0.5), 1.0, 1e-15);
}

static void test_columns_are_interpolated_and_sunlight_joins_direct_to_reflected(void) {
    sim_environment_at(&table, 100.0 + 12.5, &now);
    CHECK(now.sunlight_ratio == 1.0);
    CHECK_NEAR(now.solar_w_per_m2, 1001.25, 1e-9);
    CHECK_NEAR(now.array_cos, 2001.25, 1e-9);
    CHECK_NEAR(now.array_albedo_w_per_m2, 3001.25, 1e-9);
    CHECK_NEAR(now.radiator_solar_w_per_m2, 4001.25 + 50001.25, 1e-9);
    CHECK_NEAR(now.radiator_infrared_w_per_m2, 6001.25, 1e-9);
}

static void test_an_eclipse_takes_the_direct_sunlight_and_leaves_the_rest(void) {
    table.elevation[0] = -1.0;
    table.elevation[1] = 1.0;
    sim_environment_at(&table, 105.0, &now); /* half-way: the limb cuts the disc in two */
    CHECK_NEAR(now.sunlight_ratio, 0.5, 1e-12);
    CHECK_NEAR(now.radiator_solar_w_per_m2, 0.5 * 4000.5 + 50000.5, 1e-9);
    CHECK_NEAR(now.solar_w_per_m2, 1000.5, 1e-9);
    sim_environment_at(&table, 100.0, &now);
    CHECK(now.sunlight_ratio == 0.0);
    CHECK_NEAR(now.radiator_solar_w_per_m2, 50000.0, 1e-9);
    fill();
}

static void test_a_hard_edge_has_no_penumbra(void) {
    table.is_conical = 0.0;
    table.elevation[0] = -1.0;
    table.elevation[1] = 1.0;
    sim_environment_at(&table, 104.9, &now);
    CHECK(now.sunlight_ratio == 0.0);
    sim_environment_at(&table, 105.1, &now);
    CHECK(now.sunlight_ratio == 1.0);
    fill();
}

static void test_a_time_outside_stays_within_the_table(void) {
    sim_environment_at(&table, 100.0 + 21600.0, &now);
    CHECK_NEAR(now.solar_w_per_m2, 1000.0 + SIM_ORBIT_ROWS - 1, 1e-9);
    sim_environment_at(&table, 100.0 + 21605.0, &now);
    CHECK_NEAR(now.solar_w_per_m2, 1000.5 + SIM_ORBIT_ROWS - 1, 1e-9);
    sim_environment_at(&table, 95.0, &now);
    CHECK_NEAR(now.solar_w_per_m2, 999.5, 1e-9);
}

int main(void) {
    fill();
    test_sunlight_is_the_part_of_the_disc_above_the_limb();
    test_columns_are_interpolated_and_sunlight_joins_direct_to_reflected();
    test_an_eclipse_takes_the_direct_sunlight_and_leaves_the_rest();
    test_a_hard_edge_has_no_penumbra();
    test_a_time_outside_stays_within_the_table();
    return 0;
}
