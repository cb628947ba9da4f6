#include "array.h"

#include <math.h>

/* Power of a string: P = P0 (G / 1361) (1 + k (T - T0)) d^years, with G the sunlight and albedo on
 * the face. Sources of the relation: Fortescue et al., Spacecraft Systems Engineering, chapter 10;
 * of its numbers: ArrayConfig.
 *
 * Without peak power tracking a string works at the voltage of the bus, on the curve
 * I = Isc (1 - C1 (exp(V / (C2 Voc)) - 1)), where C1 and C2 follow from the peak power point
 * (Rauschenbach, Solar Cell Array Design Handbook, single-exponential form).
 *
 * Cells: c dT/dt = a G + e q - P/A - 2 e s T^4, both faces at one temperature; q is the Earth's
 * infra-red. Explicit Euler: the time constant is some 200 s, a thousand steps. */

#define SOLAR_CONSTANT_W_PER_M2 1361.0
#define STEFAN_BOLTZMANN_W_PER_M2_K4 5.670374419e-8
#define ZERO_C_K 273.15
#define DEGREE_RAD 0.017453292519943295
#define STEADY_ROUNDS 20 /* a fixed point that contracts tenfold per round */
#define STEP_S_MAX 0.2

static double clamp(double value, double low, double high) {
    return fmin(fmax(value, low), high);
}

static double irradiance_w_per_m2(const sim_array_t *self, const sim_environment_t *environment,
                                  double pointing_ratio) {
    const double direct = environment->sunlight_ratio * environment->solar_w_per_m2;
    return (direct * environment->array_cos + environment->array_albedo_w_per_m2) *
           self->incidence_cos * pointing_ratio;
}

/* Per watt of sunlight on the face and unit of rating. */
static double temp_ratio(const sim_array_config_t *config, double temp_c) {
    const double ratio = 1.0 + config->power_temp_ratio_per_k * (temp_c - config->reference_temp_c);
    return fmax(ratio, 0.0);
}

double sim_array_voltage_ratio(const sim_array_config_t *config, double voltage_v, double temp_c) {
    const double shift =
        1.0 + config->voltage_temp_ratio_per_k * (temp_c - config->reference_temp_c);
    const double open_v = config->string_open_circuit_v * shift;
    const double peak_v = config->string_peak_power_v * shift;
    if (shift <= 0.0 || voltage_v <= 0.0 || voltage_v >= open_v) {
        return 0.0;
    }
    const double bend = 1.0 - config->peak_power_current_ratio;
    const double c2 = (peak_v / open_v - 1.0) / log(bend);
    const double c1 = bend * exp(-peak_v / (c2 * open_v));
    const double current = 1.0 - c1 * (exp(voltage_v / (c2 * open_v)) - 1.0);
    const double peak_current = 1.0 - c1 * (exp(peak_v / (c2 * open_v)) - 1.0);
    return clamp(voltage_v * current / (peak_v * peak_current), 0.0, 1.0);
}

double sim_array_steady_temp_c(const sim_array_t *self, const sim_array_config_t *config,
                               double irradiance_w_per_m2, double used_ratio) {
    const double sun = irradiance_w_per_m2 / SOLAR_CONSTANT_W_PER_M2;
    const double warmth_w_per_m2 = config->absorptance_ratio * irradiance_w_per_m2 +
                                   config->emissivity_ratio * config->infrared_w_per_m2;
    const double loss = 2.0 * config->emissivity_ratio * STEFAN_BOLTZMANN_W_PER_M2_K4;
    double temp_c = config->reference_temp_c;
    for (int i = 0; i < STEADY_ROUNDS; i++) {
        const double power = used_ratio * self->density_w_per_m2 * sun * self->aged_ratio *
                             temp_ratio(config, temp_c);
        temp_c = sqrt(sqrt(fmax(warmth_w_per_m2 - power, 1.0) / loss)) - ZERO_C_K;
    }
    return temp_c;
}

void sim_array_init(sim_array_t *self, const sim_array_config_t *config) {
    *self = (sim_array_t){.temp_c = config->reference_temp_c};
    self->aged_ratio = pow(1.0 - config->degradation_ratio_per_year, config->age_years);
    self->incidence_cos = cos(config->incidence_deg * DEGREE_RAD);
    self->density_w_per_m2 = config->cell_efficiency_ratio * SOLAR_CONSTANT_W_PER_M2;
}

void sim_array_look(sim_array_t *self, const sim_array_config_t *config,
                    const sim_environment_t *environment, const double *string_ok,
                    double pointing_ratio, double bus_voltage_v) {
    self->healthy = self->string_w = 0.0;
    if (config->enabled < 0.5) {
        self->available_w = 0.0;
        return;
    }
    if (!self->is_warm) {
        const double sunlit = environment->solar_w_per_m2 * environment->array_cos;
        self->temp_c = sim_array_steady_temp_c(self, config,
                                               sunlit * self->incidence_cos * pointing_ratio, 1.0);
        self->is_warm = 1;
    }
    for (int32_t i = 0; i < config->string_count; i++) {
        self->healthy += string_ok[i];
    }
    const double sun =
        irradiance_w_per_m2(self, environment, pointing_ratio) / SOLAR_CONSTANT_W_PER_M2;
    double string_w =
        config->string_power_w * sun * self->aged_ratio * temp_ratio(config, self->temp_c);
    if (config->peak_power_tracking < 0.5) {
        string_w *= sim_array_voltage_ratio(config, bus_voltage_v, self->temp_c);
    }
    string_w = fmin(string_w * config->regulation_efficiency_ratio, config->string_power_w_max);
    self->string_w = string_w;
    self->available_w = string_w * self->healthy;
}

void sim_array_warm(sim_array_t *self, const sim_array_config_t *config,
                    const sim_environment_t *environment, double pointing_ratio, double generated_w,
                    double dt_s) {
    if (config->enabled < 0.5) {
        return;
    }
    const double irradiance = irradiance_w_per_m2(self, environment, pointing_ratio);
    const double rated_w = config->string_power_w * (double)config->string_count;
    const double taken = generated_w / (rated_w * config->regulation_efficiency_ratio);
    const double kelvin = self->temp_c + ZERO_C_K;
    const double square = kelvin * kelvin;
    const double net_w_per_m2 =
        config->absorptance_ratio * irradiance +
        config->emissivity_ratio *
            (config->infrared_w_per_m2 - 2.0 * STEFAN_BOLTZMANN_W_PER_M2_K4 * square * square) -
        taken * self->density_w_per_m2;
    self->temp_c += net_w_per_m2 * fmin(dt_s, STEP_S_MAX) / config->heat_capacity_j_per_m2_k;
}
