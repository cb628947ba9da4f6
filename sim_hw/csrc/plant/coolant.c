#include "coolant.h"

#include <math.h>

#define EXCHANGE_MAX 0.25 /* of the smaller parcel in one step: explicit exchange stays stable */

static int32_t after(int32_t index) {
    return index + 1 == SIM_PARCELS_MAX ? 0 : index + 1;
}

static int32_t place(const sim_line_t *self, int32_t order) {
    const int32_t index = self->oldest + order;
    return index >= SIM_PARCELS_MAX ? index - SIM_PARCELS_MAX : index;
}

void sim_line_init(sim_line_t *self, double mass_kg, int32_t cells, double temp_c) {
    *self = (sim_line_t){.cell_kg = mass_kg / cells, .count = cells};
    for (int32_t i = 0; i < cells; i++) {
        self->mass_kg[i] = self->cell_kg;
        self->temp_c[i] = temp_c;
    }
}

void sim_line_push(sim_line_t *self, double mass_kg, double temp_c) {
    int32_t newest = place(self, self->count - 1);
    /* Rounding alone keeps a full parcel a little below its mass. */
    if (self->mass_kg[newest] >= self->cell_kg * (1.0 - 1e-9) && self->count < SIM_PARCELS_MAX) {
        newest = place(self, self->count);
        self->count++;
        self->mass_kg[newest] = 0.0;
        self->temp_c[newest] = temp_c;
    }
    const double held_kg = self->mass_kg[newest] + mass_kg;
    if (held_kg > 0.0) {
        self->temp_c[newest] += (temp_c - self->temp_c[newest]) * (mass_kg / held_kg);
        self->mass_kg[newest] = held_kg;
    }
}

double sim_line_pull(sim_line_t *self, double mass_kg) {
    double enthalpy = 0.0;
    double left_kg = mass_kg;
    while (self->count > 1 && self->mass_kg[self->oldest] <= left_kg) {
        enthalpy += self->mass_kg[self->oldest] * self->temp_c[self->oldest];
        left_kg -= self->mass_kg[self->oldest];
        self->oldest = after(self->oldest);
        self->count--;
    }
    enthalpy += left_kg * self->temp_c[self->oldest];
    self->mass_kg[self->oldest] -= left_kg;
    return enthalpy;
}

double sim_line_outlet_c(const sim_line_t *self) {
    return self->temp_c[self->oldest];
}

double sim_line_held(const sim_line_t *self) {
    double enthalpy = 0.0;
    for (int32_t n = 0; n < self->count; n++) {
        const int32_t i = place(self, n);
        enthalpy += self->mass_kg[i] * self->temp_c[i];
    }
    return enthalpy;
}

void sim_line_extremes(const sim_line_t *self, double *coldest_c, double *warmest_c) {
    double coldest = *coldest_c;
    double warmest = *warmest_c;
    for (int32_t n = 0; n < self->count; n++) {
        const double temp_c = self->temp_c[place(self, n)];
        coldest = temp_c < coldest ? temp_c : coldest;
        warmest = temp_c > warmest ? temp_c : warmest;
    }
    *coldest_c = coldest;
    *warmest_c = warmest;
}

void sim_line_mix(sim_line_t *self, double j_per_kg_k, double w_per_k, double dt_s) {
    const double asked_kg = w_per_k * dt_s / j_per_kg_k;
    for (int32_t n = 0; n + 1 < self->count; n++) {
        const int32_t a = place(self, n);
        const int32_t b = place(self, n + 1);
        const double smaller_kg = fmin(self->mass_kg[a], self->mass_kg[b]);
        if (smaller_kg > 0.0) {
            const double exchanged_kg = fmin(asked_kg, EXCHANGE_MAX * smaller_kg);
            const double moved = exchanged_kg * (self->temp_c[b] - self->temp_c[a]);
            self->temp_c[a] += moved / self->mass_kg[a];
            self->temp_c[b] -= moved / self->mass_kg[b];
        }
    }
}
