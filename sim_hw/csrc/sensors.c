/** @file sensors.c */
#include "sensors.h"

#include <assert.h>
#include <math.h>

static_assert(SIM_TRUTH_WORDS <= 400,
              "the sensor tables of the plant image are indexed by truth word");

/* SplitMix64 (Steele, Lea, Flood 2014): one addition and two multiplications a draw, any seed is
   good. */
static uint64_t next_random(uint64_t *stream) {
    *stream += 0x9E3779B97F4A7C15u;
    uint64_t mixed = *stream;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return mixed ^ (mixed >> 31);
}

/* Sum of 12 uniforms: variance 1, never beyond 6 sigma, and only exact arithmetic. */
static double next_normal(uint64_t *stream) {
    uint64_t sum = 0;
    for (int draw = 0; draw < 3; draw++) {
        uint64_t bits = next_random(stream);
        sum +=
            (bits & 0xFFFFu) + ((bits >> 16) & 0xFFFFu) + ((bits >> 32) & 0xFFFFu) + (bits >> 48);
    }
    return ((double)sum + 6.0) / 65536.0 - 6.0; /* + 12 halves of a step: the mean is exactly 0 */
}

void sim_sensors_open(sim_sensors_t *self, sim_plant_image_t *image, uint64_t seed) {
    self->image = image;
    for (size_t word = 0; word < SIM_TRUTH_WORDS; word++) {
        uint64_t start = seed;
        uint64_t stream = next_random(&start) ^ (0xD1342543DE82EF95u * (word + 1u));
        self->sensor[word] = (sim_sensor_t){.stream = stream};
    }
}

double sim_truth_of(const sim_sensors_t *self, size_t word) {
    assert(word < SIM_TRUTH_WORDS);
    const double *truth = (const double *)(const void *)&self->image->truth;
    return truth[word];
}

static double convert(const sim_plant_image_t *image, sim_sensor_t *sensor, size_t word,
                      double truth) {
    double lag_s = image->sensor_lag_s[word];
    if (lag_s > 0.0 && sensor->has_sample) {
        double step_s = fmax(0.0, image->time_s - sensor->time_s);
        sensor->lagged += (truth - sensor->lagged) * (step_s / (lag_s + step_s));
    } else {
        sensor->lagged = truth;
    }
    double value = sensor->lagged;
    if (image->sensor_noise[word] > 0.0) {
        value += image->sensor_noise[word] * next_normal(&sensor->stream);
    }
    double lsb = image->sensor_lsb[word];
    return lsb > 0.0 ? lsb * floor(value / lsb + 0.5) : value;
}

double sim_sensor_read(sim_sensors_t *self, size_t word) {
    sim_plant_image_t *image = self->image;
    double truth = sim_truth_of(self, word);
    sim_sensor_t *sensor = &self->sensor[word];
    int mode = (int)image->sensor_mode[word];
    double fault_value = image->sensor_value[word];
    if (sensor->has_sample && sensor->time_s == image->time_s && sensor->truth == truth &&
        sensor->mode == mode && sensor->fault_value == fault_value) {
        return sensor->output;
    }
    if (!(mode == SIM_SENSOR_STUCK && sensor->has_sample)) {
        double value = convert(image, sensor, word, truth);
        if (mode == SIM_SENSOR_BIAS) {
            value += fault_value;
        } else if (mode == SIM_SENSOR_FORCED || mode == SIM_SENSOR_SPIKE) {
            value = fault_value;
        }
        sensor->output = value;
    }
    if (mode == SIM_SENSOR_SPIKE) { /* one sample only: the fault takes itself back */
        mode = SIM_SENSOR_OK;
        image->sensor_mode[word] = SIM_SENSOR_OK;
    }
    sensor->time_s = image->time_s;
    sensor->truth = truth;
    sensor->mode = mode;
    sensor->fault_value = fault_value;
    sensor->has_sample = true;
    return sensor->output;
}
