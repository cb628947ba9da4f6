#include "battery.h"

#include <math.h>

/* Energy. Stored = flow times efficiency when charging, flow over efficiency when discharging:
 * check cases 13 and 14. The efficiencies hold for a new battery at resistance_temp_c or warmer;
 * what a colder or older battery has in resistance beyond that costs I^2 dR on top.
 *
 * Voltage. V = E + I R with E from the table, cell by cell, and I V = flow:
 * V = (E + sqrt(E^2 + 4 R flow)) / 2. R = R0 exp(B (1/T - 1/T0)) (1 + growth fade), the Arrhenius
 * form that cell models use for ohmic and charge-transfer resistance.
 *
 * Ageing. The faded part of the capacity is the sum of a calendar and a throughput part; energy in
 * a part that fades is heat. */

#define J_PER_WH 3600.0
#define YEAR_S 31557600.0
#define ZERO_C_K 273.15
#define FADE_RATIO_MAX 0.9

static double clamp(double value, double low, double high) {
    return fmin(fmax(value, low), high);
}

double sim_battery_open_circuit_v(const sim_battery_config_t *config, double charge_ratio) {
    const int32_t last = config->open_circuit_v_count - 1;
    const double place = clamp(charge_ratio, 0.0, 1.0) * (double)last;
    int32_t i = (int32_t)place;
    i = i < last ? i : last - 1;
    const double low_v = config->open_circuit_v[i];
    return low_v + (config->open_circuit_v[i + 1] - low_v) * (place - (double)i);
}

double sim_battery_resistance_ohm(const sim_battery_config_t *config, double temp_c,
                                  double fade_ratio) {
    const double warmth = 1.0 / (temp_c + ZERO_C_K) - 1.0 / (config->resistance_temp_c + ZERO_C_K);
    return config->resistance_ohm * exp(config->resistance_activation_k * warmth) *
           (1.0 + config->resistance_growth_per_fade * fade_ratio);
}

/* Open strands leave the rest with the whole current. */
static double strands_left_ratio(const sim_battery_config_t *config, double strands_open) {
    const double count = (double)config->strand_count;
    return clamp(1.0 - strands_open / count, 1.0 / count, 1.0);
}

static double resistance_now_ohm(const sim_battery_t *self, const sim_battery_config_t *config,
                                 double temp_c) {
    return sim_battery_resistance_ohm(config, temp_c, self->fade_ratio) /
           strands_left_ratio(config, self->strands_open);
}

/* Sum of the cells' own voltages; a shorted cell adds none. */
static double electromotive_v(const sim_battery_t *self, const sim_battery_config_t *config,
                              const double *cell_short) {
    double sum_v = 0.0;
    for (int32_t i = 0; i < self->cell_count; i++) {
        if (cell_short[i] < 0.5) {
            sum_v += sim_battery_open_circuit_v(config, self->cell_charge_ratio[i]);
        }
    }
    return sum_v / (double)self->cell_count;
}

static void summarise(sim_battery_t *self, const double *cell_short) {
    const double cell_j = self->capacity_j / (double)self->cell_count;
    double sum = 0.0, isolated_j = 0.0, weakest = 1.0, strongest = 0.0;
    for (int32_t i = 0; i < self->cell_count; i++) {
        const double ratio = self->cell_charge_ratio[i];
        sum += ratio;
        isolated_j += self->isolated_j[i];
        if (cell_short[i] < 0.5) {
            weakest = fmin(weakest, ratio);
            strongest = fmax(strongest, ratio);
        }
    }
    self->charge_ratio = sum / (double)self->cell_count;
    self->stored_j = sum * cell_j + isolated_j;
    self->weakest_ratio = fmin(weakest, strongest); /* none healthy: 0, and nothing flows */
    self->strongest_ratio = strongest;
}

void sim_battery_init(sim_battery_t *self, const sim_battery_config_t *config,
                      double charge_ratio) {
    static const double none_short[SIM_BATTERY_CELLS_MAX] = {0.0};
    *self = (sim_battery_t){.cell_count = config->cell_count, .cycles = config->age_cycles};
    self->fade_ratio = fmin(config->fade_ratio_per_year * config->age_years +
                                config->fade_ratio_per_cycle * config->age_cycles,
                            FADE_RATIO_MAX);
    self->capacity_new_j = config->capacity_wh * J_PER_WH;
    self->capacity_j = self->capacity_new_j * (1.0 - self->fade_ratio);
    const double spread =
        fmin(config->imbalance_ratio, 2.0 * fmin(charge_ratio, 1.0 - charge_ratio));
    const int32_t last = self->cell_count - 1;
    for (int32_t i = 0; i <= last; i++) {
        const double place = last > 0 ? (double)i / (double)last - 0.5 : 0.0;
        self->cell_charge_ratio[i] = clamp(charge_ratio + spread * place, 0.0, 1.0);
    }
    summarise(self, none_short);
    self->terminal_v = electromotive_v(self, config, none_short);
}

double sim_battery_charge_limit_w(const sim_battery_t *self, const sim_battery_config_t *config,
                                  double temp_c, double dt_s) {
    if (temp_c < config->charge_temp_c_min || temp_c > config->charge_temp_c_max ||
        self->strands_open >= (double)config->strand_count) {
        return 0.0;
    }
    const double room = 1.0 - self->strongest_ratio;
    double limit_w =
        config->charge_power_max_w * clamp(room / config->charge_taper_ratio, 0.0, 1.0);
    /* The terminals of the last step less its ohmic part: what the cells hold by themselves. */
    const double ohm = resistance_now_ohm(self, config, temp_c);
    const double rest_v = self->terminal_v - self->current_a * ohm;
    const double over_v = fmax(config->bus_voltage_max_v - rest_v, 0.0);
    double current_a = config->charge_current_a_max;
    if (over_v < current_a * ohm || over_v == 0.0) {
        current_a = ohm > 0.0 ? over_v / ohm : 0.0;
    }
    limit_w = fmin(limit_w, current_a * (rest_v + current_a * ohm));
    const double full_w =
        room * self->capacity_j / (dt_s * fmax(config->charge_efficiency_ratio, 0.5));
    return fmax(fmin(limit_w, full_w), 0.0);
}

bool sim_battery_can_discharge(const sim_battery_t *self, const sim_battery_config_t *config,
                               double temp_c, double charge_ratio_min) {
    return self->weakest_ratio > charge_ratio_min && temp_c >= config->discharge_temp_c_min &&
           temp_c <= config->discharge_temp_c_max &&
           self->strands_open < (double)config->strand_count &&
           -self->current_a <= config->discharge_current_a_max;
}

/* Strands that open keep what they hold; those that come back mix with the others. */
static void follow_strands(sim_battery_t *self, const sim_battery_config_t *config,
                           double strands_open) {
    const double before = strands_left_ratio(config, self->strands_open);
    const double after = strands_left_ratio(config, strands_open);
    const double cell_j = self->capacity_new_j * (1.0 - self->fade_ratio) / self->cell_count;
    self->strands_open = strands_open;
    if (before == after) {
        return;
    }
    for (int32_t i = 0; i < self->cell_count; i++) {
        if (after < before) {
            self->isolated_j[i] += self->cell_charge_ratio[i] * cell_j * (before - after);
        } else {
            const double back_j = self->isolated_j[i] * (after - before) / (1.0 - before);
            const double held_j = self->cell_charge_ratio[i] * cell_j * before;
            self->isolated_j[i] -= back_j;
            self->cell_charge_ratio[i] = (held_j + back_j) / (cell_j * after);
        }
    }
    self->capacity_j = cell_j * self->cell_count * after;
}

/* Discharge of a shorted cell into itself, or of a strong cell into its bleeder, in W. */
static double own_drain_w(const sim_battery_t *self, const sim_battery_config_t *config, int32_t i,
                          bool is_short, bool is_charging, double dt_s) {
    const double ratio = self->cell_charge_ratio[i];
    double drain_w = 0.0;
    if (is_short) {
        const double cell_v = sim_battery_open_circuit_v(config, ratio) / self->cell_count;
        drain_w = cell_v * cell_v / config->cell_short_ohm;
    } else if (is_charging && ratio > self->weakest_ratio + config->balance_threshold_ratio) {
        drain_w = config->balance_w;
    }
    return fmin(drain_w, ratio * self->capacity_j / (self->cell_count * dt_s));
}

/* The energy that the cells give up by ageing; it becomes heat. */
static double fade_j(sim_battery_t *self, const sim_battery_config_t *config, double moved_j,
                     double dt_s) {
    const double cycles = 0.5 * fabs(moved_j) / self->capacity_j;
    const double fade =
        fmin(config->fade_ratio_per_cycle * cycles + config->fade_ratio_per_year * dt_s / YEAR_S,
             FADE_RATIO_MAX - self->fade_ratio);
    const double before_j = self->capacity_j;
    const double kept_ratio = 1.0 - fade / (1.0 - self->fade_ratio);
    double isolated_j = 0.0;
    for (int32_t i = 0; self->strands_open > 0.0 && i < self->cell_count; i++) {
        isolated_j += self->isolated_j[i] * (1.0 - kept_ratio);
        self->isolated_j[i] *= kept_ratio; /* they age too, or come back with more than fits */
    }
    self->cycles += cycles;
    self->fade_ratio += fade;
    self->capacity_j = self->capacity_new_j * (1.0 - self->fade_ratio) *
                       strands_left_ratio(config, self->strands_open);
    return self->charge_ratio * (before_j - self->capacity_j) + isolated_j;
}

void sim_battery_advance(sim_battery_t *self, const sim_battery_config_t *config,
                         const double *cell_short, double strands_open, double flow_w,
                         double temp_c, double dt_s) {
    if (strands_open != self->strands_open) {
        follow_strands(self, config, strands_open);
    }
    int32_t short_count = 0;
    for (int32_t i = 0; i < self->cell_count; i++) {
        short_count += cell_short[i] > 0.5;
    }
    self->short_count = short_count;
    const double ohm = resistance_now_ohm(self, config, temp_c);
    const double rest_v = electromotive_v(self, config, cell_short);
    /* Beyond twice the power that fits through R the terminals stay at half: the bus collapses. */
    self->terminal_v = 0.5 * (rest_v + sqrt(fmax(rest_v * rest_v + 4.0 * ohm * flow_w, 0.0)));
    self->current_a = self->terminal_v > 0.0 ? flow_w / self->terminal_v : 0.0;
    const double extra_ohm = fmax(ohm - config->resistance_ohm, 0.0);
    const double extra_w = self->current_a * self->current_a * extra_ohm;
    const double efficient_w = flow_w >= 0.0 ? flow_w * config->charge_efficiency_ratio
                                             : flow_w / config->discharge_efficiency_ratio;
    const double stored_w = efficient_w - extra_w;
    const int32_t sharing = self->cell_count - short_count;
    const double share_w = sharing > 0 ? stored_w / sharing : 0.0;
    const double per_w = dt_s * self->cell_count / self->capacity_j;
    double drained_w = 0.0;
    for (int32_t i = 0; i < self->cell_count; i++) {
        const bool is_short = cell_short[i] > 0.5;
        const double drain_w = own_drain_w(self, config, i, is_short, flow_w > 0.0, dt_s);
        drained_w += drain_w;
        self->cell_charge_ratio[i] += ((is_short ? 0.0 : share_w) - drain_w) * per_w;
    }
    summarise(self, cell_short);
    const double faded_j = fade_j(self, config, stored_w * dt_s, dt_s);
    self->stored_j -= faded_j;
    self->loss_w = flow_w - share_w * sharing + drained_w + faded_j / dt_s;
}
