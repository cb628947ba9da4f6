/**
 * @file sensors.h
 * @brief Simulated sensors: from a truth word of the plant image to what a part converts and
 * reports.
 *
 * A sensor converts once per instant of the plant: reads of one word at one time give one sample,
 * as the conversion register of a real part does. A changed truth or a changed fault starts a new
 * conversion. Order: lag, noise, quantum, then the fault of enum sim_sensor_mode.
 * Not modelled: conversion time, aliasing, drift with age or temperature.
 */
#ifndef NIGHTSIDE_SIM_SENSORS_H
#define NIGHTSIDE_SIM_SENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant_image.h"

/** Word index of a truth field, for the sensor tables of the plant image. */
#define SIM_WORD(field) (offsetof(sim_truth_t, field) / sizeof(double))

/** One sensor: its own random stream and its last conversion. */
typedef struct sim_sensor {
    uint64_t stream;
    double time_s;
    double truth;
    double fault_value;
    double lagged;
    double output;
    int mode;
    bool has_sample;
} sim_sensor_t;

/** All sensors of one plant image. */
typedef struct sim_sensors {
    sim_plant_image_t *image;
    sim_sensor_t sensor[SIM_TRUTH_WORDS];
} sim_sensors_t;

/** @brief Forget all conversions and start every stream from `seed` and its word. */
void sim_sensors_open(sim_sensors_t *self, sim_plant_image_t *image, uint64_t seed);

/**
 * @brief Convert one truth word at the plant's present time.
 * @param[in] word 0 .. SIM_TRUTH_WORDS - 1
 * @return the sample in the unit of the word
 */
double sim_sensor_read(sim_sensors_t *self, size_t word);

/** @brief The truth of a word itself, for what is no sensor: comparators, switches. */
double sim_truth_of(const sim_sensors_t *self, size_t word);

#endif
