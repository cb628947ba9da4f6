/** @file test_sim_sensors.c  Noise, quantum, lag and the faults of simulated sensors. */
#include "check.h"
#include "sensors.h"

#define WORD SIM_WORD(flow_kg_per_s)
#define OTHER SIM_WORD(supply_temp_c)

static sim_plant_image_t image;
static sim_sensors_t sensors;

static void start(uint64_t seed) {
    image = (sim_plant_image_t){.truth.flow_kg_per_s = 10.0, .truth.supply_temp_c = 20.0};
    sim_sensors_open(&sensors, &image, seed);
}

static double sample(void) {
    image.time_s += 0.1;
    return sim_sensor_read(&sensors, WORD);
}

static void a_sensor_without_quality_reads_the_truth(void) {
    start(1);
    CHECK(sample() == 10.0);
    CHECK(sim_truth_of(&sensors, OTHER) == 20.0);
}

static void noise_has_its_sigma_and_no_bias(void) {
    start(1);
    image.sensor_noise[WORD] = 2.0;
    double sum = 0.0;
    double squares = 0.0;
    const int count = 20000;
    for (int i = 0; i < count; i++) {
        double error = sample() - 10.0;
        CHECK(fabs(error) <= 12.0); /* never beyond 6 sigma */
        sum += error;
        squares += error * error;
    }
    CHECK_NEAR(sum / count, 0.0, 0.06); /* 4 standard errors */
    CHECK_NEAR(sqrt(squares / count), 2.0, 0.04);
}

static void each_word_and_each_seed_has_its_own_stream(void) {
    double first[2] = {0.0, 0.0};
    for (uint64_t seed = 0; seed < 2; seed++) {
        start(seed);
        image.sensor_noise[WORD] = 1.0;
        image.sensor_noise[OTHER] = 1.0;
        first[seed] = sample() - 10.0;
        CHECK(first[seed] != sim_sensor_read(&sensors, OTHER) - 20.0);
    }
    CHECK(first[0] != first[1]);
    start(1);
    image.sensor_noise[WORD] = 1.0;
    CHECK(sample() - 10.0 == first[1]);
}

static void one_instant_gives_one_sample(void) {
    start(1);
    image.sensor_noise[WORD] = 1.0;
    double once = sample();
    CHECK(sim_sensor_read(&sensors, WORD) == once);
    CHECK(sample() != once);
    image.truth.flow_kg_per_s = 11.0; /* a new truth is converted anew even at the same time */
    CHECK(sim_sensor_read(&sensors, WORD) > 6.0);
}

static void the_quantum_rounds_to_nearest(void) {
    start(1);
    image.sensor_lsb[WORD] = 0.4;
    image.truth.flow_kg_per_s = 10.15;
    CHECK_NEAR(sample(), 10.0, 1e-12);
    image.truth.flow_kg_per_s = 10.25;
    CHECK_NEAR(sample(), 10.4, 1e-12);
}

static void the_lag_is_first_order(void) {
    start(1);
    image.sensor_lag_s[WORD] = 0.9;
    CHECK(sample() == 10.0); /* a sensor starts settled */
    image.truth.flow_kg_per_s = 20.0;
    CHECK_NEAR(sample(), 11.0, 1e-9); /* 0.1 s of 0.9 s + 0.1 s */
    for (int i = 0; i < 200; i++) {
        (void)sample();
    }
    CHECK_NEAR(sample(), 20.0, 1e-6);
}

static void a_stuck_sensor_repeats_its_last_output(void) {
    start(1);
    image.sensor_noise[WORD] = 1.0;
    double last = sample();
    image.sensor_mode[WORD] = SIM_SENSOR_STUCK;
    image.truth.flow_kg_per_s = 50.0;
    CHECK(sample() == last);
    CHECK(sample() == last);
    image.sensor_mode[WORD] = SIM_SENSOR_OK;
    CHECK(sample() > 40.0);
}

static void bias_adds_and_force_replaces(void) {
    start(1);
    image.sensor_mode[WORD] = SIM_SENSOR_BIAS;
    image.sensor_value[WORD] = -3.0;
    CHECK(sample() == 7.0);
    image.sensor_mode[WORD] = SIM_SENSOR_FORCED;
    image.sensor_value[WORD] = -273.0;
    CHECK(sample() == -273.0);
    image.truth.flow_kg_per_s = 50.0;
    CHECK(sample() == -273.0);
}

static void a_spike_is_one_sample_and_takes_itself_back(void) {
    start(1);
    (void)sample();
    image.sensor_value[WORD] = 99.0;
    image.sensor_mode[WORD] = SIM_SENSOR_SPIKE;
    CHECK(sample() == 99.0);
    CHECK(sim_sensor_read(&sensors, WORD) ==
          99.0); /* the same conversion, read by another command */
    CHECK(image.sensor_mode[WORD] == SIM_SENSOR_OK);
    CHECK(sample() == 10.0);
}

int main(void) {
    a_sensor_without_quality_reads_the_truth();
    noise_has_its_sigma_and_no_bias();
    each_word_and_each_seed_has_its_own_stream();
    one_instant_gives_one_sample();
    the_quantum_rounds_to_nearest();
    the_lag_is_first_order();
    a_stuck_sensor_repeats_its_last_output();
    bias_adds_and_force_replaces();
    a_spike_is_one_sample_and_takes_itself_back();
    return 0;
}
