#include "radiator.h"

#include <math.h>

#define STEFAN_BOLTZMANN_W_PER_M2_K4 5.670374419e-8 /* CODATA 2018 */
#define ZERO_C_K 273.15
#define EXCHANGE_MAX 0.25 /* of a node in one step: explicit exchange stays stable */

double sim_radiated_w(double faces, double area_m2, double emissivity_ratio, double temp_k,
                      double sink_k) {
    const double hot = temp_k * temp_k;
    const double cold = sink_k * sink_k;
    return faces * area_m2 * emissivity_ratio * STEFAN_BOLTZMANN_W_PER_M2_K4 *
           (hot * hot - cold * cold);
}

double sim_fin_efficiency_ratio(double profile_ratio) {
    return (1.0 + 13.0 / 15.0 * profile_ratio) / (1.0 + 11.0 / 5.0 * profile_ratio);
}

double sim_fin_profile_ratio(const sim_radiator_config_t *config, double emissivity_ratio,
                             double temp_k) {
    const double length_m = config->fin_length_m;
    return config->faces * emissivity_ratio * STEFAN_BOLTZMANN_W_PER_M2_K4 * temp_k * temp_k *
           temp_k * length_m * length_m /
           (config->fin_conductivity_w_per_m_k * config->fin_thickness_m);
}

void sim_radiator_init(sim_radiator_t *self, const sim_radiator_config_t *config, double temp_c) {
    *self = (sim_radiator_t){.outlet_c = temp_c, .open_ratio = 1.0};
    for (int32_t i = 0; i < config->node_count; i++) {
        self->fluid_c[i] = temp_c;
        self->root_c[i] = temp_c;
    }
}

/** Slope of a node between two differences: harmonic mean, none at an extremum. */
static double limited(double before_k, double behind_k) {
    const double product = before_k * behind_k;
    return product > 0.0 ? 2.0 * product / (before_k + behind_k) : 0.0;
}

/**
 * Move the coolant on by `share` of a node, 0 .. 1; return what leaves.
 * A node's outlet face is half a slope beyond its mean, less what the step itself moves (Lax and
 * Wendroff). The last node has no neighbour: its slope is that of the two before it, and its root
 * bounds it, since coolant never passes the temperature of what cools it.
 */
static double carry(sim_radiator_t *self, int32_t count, double share, double inlet_c) {
    double *fluid_c = self->fluid_c;
    double face_c = inlet_c;
    double before_k = 2.0 * (fluid_c[0] - inlet_c); /* half a node away */
    double earlier_k = before_k;
    for (int32_t i = 0; i < count; i++) {
        const int is_last = i + 1 == count;
        const double behind_k = is_last ? before_k : fluid_c[i + 1] - fluid_c[i];
        double slope_k = limited(is_last ? earlier_k : before_k, behind_k);
        double next_c = fluid_c[i] + 0.5 * (1.0 - share) * slope_k;
        if (is_last) {
            next_c = fmin(next_c, fmax(fluid_c[i], self->root_c[i]));
            next_c = fmax(next_c, fmin(fluid_c[i], self->root_c[i]));
        }
        fluid_c[i] += share * (face_c - next_c);
        face_c = next_c;
        earlier_k = before_k;
        before_k = behind_k;
    }
    return face_c;
}

/** Conduct along the panel, node to node. */
static void conduct(double *temp_c, int32_t count, double share) {
    double from_before_k = 0.0;
    for (int32_t i = 0; i + 1 < count; i++) {
        const double moved_k = share * (temp_c[i + 1] - temp_c[i]);
        temp_c[i] += moved_k - from_before_k;
        from_before_k = moved_k;
    }
    temp_c[count - 1] -= from_before_k;
}

void sim_radiator_advance(sim_radiator_t *self, const sim_radiator_config_t *config, double dt_s,
                          const sim_radiator_inputs_t *inputs, double j_per_kg_k, double mass_kg,
                          double inlet_c) {
    const int32_t count = config->node_count;
    const double node_kg = config->fluid_mass_kg / count;
    const double fluid_j = j_per_kg_k * node_kg;
    const double root_j = config->panel_j_per_k / count;
    const double emissivity = config->emissivity_ratio * inputs->emissivity_ratio;
    const double absorptance = config->absorptance_ratio * inputs->absorptance_ratio;
    const double per_k4 =
        sim_radiated_w(config->faces, config->area_m2, emissivity, 1.0, 0.0) / count;
    const double absorbed_w =
        config->area_m2 / count *
        (absorptance * inputs->solar_w_per_m2 + emissivity * inputs->infrared_w_per_m2);
    const double per_k3 = sim_fin_profile_ratio(config, emissivity, 1.0);
    self->outlet_c = fluid_j > 0.0 ? self->fluid_c[count - 1] : self->root_c[count - 1];
    if (mass_kg > 0.0 && fluid_j > 0.0) {
        self->outlet_c = carry(self, count, mass_kg / node_kg, inlet_c);
    }
    conduct(self->root_c, count, fmin(config->lateral_w_per_k * dt_s / root_j, EXCHANGE_MAX));
    const double clear_film = fluid_j > 0.0 ? config->film_w_per_k * dt_s / count : 0.0;
    double net_w = 0.0;
    double open = 0.0;
    for (int32_t i = 0; i < count; i++) {
        const double root_k = self->root_c[i] + ZERO_C_K;
        const double below = (inputs->freeze_temp_c - self->root_c[i]) / inputs->slush_k;
        const double clear = fmin(fmax(1.0 - below, 0.0), 1.0);
        const double film = clear_film * fmax(clear, config->header_film_ratio);
        const double kept = fluid_j > 0.0 ? fluid_j / (fluid_j + film) : 0.0;
        const double cube = root_k * root_k * root_k;
        const double efficiency = sim_fin_efficiency_ratio(per_k3 * cube);
        const double given_w = efficiency * (per_k4 * cube * root_k - absorbed_w);
        const double steeper_w_per_k = efficiency * 4.0 * per_k4 * cube;
        /* Root and coolant after the step, the coolant eliminated; radiation along its tangent. */
        const double drive_j = film * kept * (self->fluid_c[i] - self->root_c[i]) - dt_s * given_w;
        const double rise_k = drive_j / (root_j + film * kept + dt_s * steeper_w_per_k);
        const double root_c = self->root_c[i] + rise_k;
        self->root_c[i] = root_c;
        self->fluid_c[i] += (1.0 - kept) * (root_c - self->fluid_c[i]);
        open += clear / count;
        net_w += given_w + steeper_w_per_k * rise_k;
    }
    self->open_ratio = open;
    self->absorbed_w = absorbed_w * count;
    self->radiated_w = net_w + self->absorbed_w;
    self->sink_temp_k = sqrt(sqrt(absorbed_w / per_k4));
}

void sim_radiator_mix(sim_radiator_t *self, const sim_radiator_config_t *config, double j_per_kg_k,
                      double w_per_k, double dt_s) {
    const double node_j = j_per_kg_k * config->fluid_mass_kg / config->node_count;
    if (node_j > 0.0) {
        conduct(self->fluid_c, config->node_count, fmin(w_per_k * dt_s / node_j, EXCHANGE_MAX));
    }
}
