#include "power.h"

#include <math.h>

/* Droop: with loads of constant power P behind R, V (V0 - V) / R = P, so
 * V = (V0 + sqrt(V0^2 - 4 R P)) / 2; beyond V0^2 / 4R there is no such point and the bus collapses.
 * V0 is that of the last step's end. */

#define TIME_TOLERANCE_S 1e-9 /* of sums of steps */

/* Of one step. */
typedef struct flows {
    double payload_a; /* mean over the step, at the outlets */
    double host_a;
    double output_w;  /* on the 28 V bus */
    int inrush_count; /* modules that begin to charge their input */
    bool is_shorted;  /* beyond what the payload outlet lets through */
} flows_t;

double sim_converter_loss_w(double output_w, double rated_w, double fixed_w, double linear_ratio,
                            double square_ratio) {
    return fixed_w + linear_ratio * output_w + square_ratio * output_w * output_w / rated_w;
}

double sim_rails_drawn_w(const sim_rails_config_t *config, const double *output_w,
                         const double *enabled) {
    double drawn_w = 0.0;
    for (int i = 0; i < SIM_HOST_RAILS; i++) {
        if (enabled[i] > 0.5) {
            drawn_w += output_w[i] + sim_converter_loss_w(output_w[i], config->rail_power_w_max[i],
                                                          config->loss_fixed_w[i],
                                                          config->loss_linear_ratio[i],
                                                          config->loss_square_ratio[i]);
        }
    }
    return drawn_w;
}

static bool module_is_fed(const sim_power_t *self, const sim_plant_image_t *image, int i) {
    return self->bus54_voltage_v > 0.0 && image->setpoint.payload_enabled > 0.5 &&
           image->setpoint.module_enabled[i] > 0.5;
}

/* Open-circuit voltage behind the outlets' resistance. */
static double source_v(const sim_power_t *self, const sim_power_config_t *config) {
    return config->battery.enabled > 0.5 ? self->battery.terminal_v : config->bus.bus54_voltage_v;
}

static void publish(const sim_power_t *self, const sim_power_config_t *config,
                    const sim_power_faults_t *faults, sim_plant_image_t *image) {
    sim_truth_t *truth = &image->truth;
    const double used =
        self->array.available_w > 0.0 ? self->generated_w / self->array.available_w : 0.0;
    /* With the bus off the array still charges the battery, at its terminals. */
    const double volts = self->bus_on ? self->main_voltage_v : source_v(self, config);
    const double string_a = volts > 0.0 ? self->array.string_w * used / volts : 0.0;
    for (int i = 0; i < SIM_STRINGS_MAX; i++) {
        truth->string_current_a[i] =
            i < config->array.string_count ? string_a * faults->string_ok[i] : 0.0;
    }
    truth->array_power_w = config->array.enabled > 0.5 ? self->generated_w : 0.0;
    if (config->battery.enabled > 0.5) {
        truth->battery_voltage_v = self->battery.terminal_v;
        truth->battery_current_a = self->battery.current_a;
        truth->charge_ratio = self->charge_ratio;
    }
    truth->bus54_voltage_v = self->bus54_voltage_v;
    truth->bus28_voltage_v = self->bus28_voltage_v;
}

static void init_faults(sim_power_faults_t *faults) {
    *faults = (sim_power_faults_t){.pointing_ratio = 1.0};
    for (int i = 0; i < SIM_STRINGS_MAX; i++) {
        faults->string_ok[i] = 1.0;
    }
}

void sim_power_init(sim_power_t *self, const sim_power_config_t *config, sim_power_faults_t *faults,
                    sim_plant_image_t *image, const sim_power_start_t *start) {
    *self = (sim_power_t){.bus_on = 1};
    init_faults(faults);
    sim_array_init(&self->array, &config->array);
    if (config->battery.enabled > 0.5) {
        sim_battery_init(&self->battery, &config->battery, start->charge_ratio);
        self->bus_on = self->battery.weakest_ratio > config->battery.cutoff_ratio;
    }
    sim_limiter_init(&self->payload_limiter);
    sim_limiter_init(&self->host_limiter);
    self->main_voltage_v = self->bus_on ? source_v(self, config) : 0.0;
    self->bus54_voltage_v = self->bus28_voltage_v = self->main_voltage_v;
    if (config->avionics.enabled > 0.5 && self->bus_on) {
        self->bus28_voltage_v = config->avionics.voltage_v;
    }
    if (config->battery.enabled < 0.5) { /* there is none to have these */
        sim_truth_t *truth = &image->truth;
        truth->battery_voltage_v = truth->battery_current_a = truth->charge_ratio = NAN;
    }
    self->charge_ratio = self->battery.charge_ratio;
    self->stored_j = self->battery.stored_j;
    for (int i = 0; i < SIM_ACCELERATORS_MAX; i++) {
        if (module_is_fed(self, image, i)) {
            self->module_j[i] =
                sim_inrush_j(config->bus.module_capacitance_f, self->bus54_voltage_v);
            self->stored_j += self->module_j[i];
        }
    }
    publish(self, config, faults, image);
}

/* Energy that the inputs of the modules take from the bus in this step; the lost part is added to
 * *loss_j. `count` is how many begin to charge. */
static double inrush_j(sim_power_t *self, const sim_bus_config_t *config,
                       const sim_plant_image_t *image, double *loss_j, int *count) {
    double taken_j = 0.0;
    for (int i = 0; i < SIM_ACCELERATORS_MAX; i++) {
        const bool is_fed = module_is_fed(self, image, i);
        if (is_fed == (self->module_j[i] > 0.0)) {
            continue;
        }
        if (is_fed) {
            self->module_j[i] = sim_inrush_j(config->module_capacitance_f, self->bus54_voltage_v);
            taken_j += 2.0 * self->module_j[i];
            *loss_j += self->module_j[i];
            *count += self->module_j[i] > 0.0;
        } else {
            *loss_j += self->module_j[i]; /* into the module's bleeder */
            self->module_j[i] = 0.0;
        }
    }
    return taken_j;
}

/* A short takes what the outlet lets through, until it opens: its mean over the step. */
static double payload_short_w(const sim_power_t *self, const sim_power_config_t *config,
                              const sim_power_faults_t *faults, double modules_w, double dt_s,
                              bool *opens) {
    const double volts = self->bus54_voltage_v;
    if (faults->payload_short_a <= 0.0 || volts <= 0.0) {
        return 0.0;
    }
    const double room_a =
        fmax(sim_limit_current_a(&config->payload_limiter) - modules_w / volts, 0.0);
    if (faults->payload_short_a <= room_a) {
        return faults->payload_short_a * volts;
    }
    *opens = true;
    return room_a * volts * fmin(config->payload_limiter.trip_off_s / dt_s, 1.0);
}

/* What the converter draws from the main bus, in W; its loss goes to avionics_loss_w. */
static double advance_avionics(sim_power_t *self, const sim_avionics_config_t *config,
                               double output_w, double dt_s) {
    const bool is_fed = self->bus_on && self->host_limiter.is_closed;
    if (config->enabled < 0.5) {
        self->avionics_loss_w = 0.0;
        return output_w;
    }
    if (self->avionics_off_s > 0.0) {
        const double left_s = self->avionics_off_s - dt_s;
        self->avionics_off_s = left_s > TIME_TOLERANCE_S ? left_s : 0.0;
    } else if (output_w > config->power_w_max) {
        self->avionics_off_s = config->restart_s;
    }
    const bool is_working = (is_fed && self->avionics_off_s <= 0.0) || output_w > 0.0;
    self->avionics_loss_w =
        is_working ? sim_converter_loss_w(output_w, config->power_w_max, config->loss_fixed_w,
                                          config->loss_linear_ratio, config->loss_square_ratio)
                   : 0.0;
    return output_w + self->avionics_loss_w;
}

/* The bus falls when the battery may not carry what the array cannot, and comes back later. */
static void follow_bus(sim_power_t *self, const sim_power_config_t *config, double temp_c,
                       bool is_short_of_power, bool has_collapsed, double dt_s) {
    const sim_battery_config_t *battery = &config->battery;
    if (battery->enabled < 0.5) {
        self->bus_on = !has_collapsed;
        return;
    }
    if (self->bus_on) {
        const bool may =
            sim_battery_can_discharge(&self->battery, battery, temp_c, battery->cutoff_ratio);
        if (has_collapsed || (is_short_of_power && !may)) {
            self->bus_on = 0;
            self->bus_off_s = 0.0;
        }
        return;
    }
    self->bus_off_s += dt_s;
    if (self->bus_off_s >= battery->reconnect_s &&
        sim_battery_can_discharge(&self->battery, battery, temp_c, battery->reconnect_ratio)) {
        self->bus_on = 1;
    }
}

/* Array against demand; the rest is the battery's. Returns whether the array falls short. */
static bool share_power(sim_power_t *self, const sim_power_config_t *config,
                        const sim_power_faults_t *faults, double demand_w, double temp_c,
                        double dt_s) {
    if (config->battery.enabled < 0.5) {
        self->generated_w = demand_w;
        self->battery_loss_w = 0.0;
        return false;
    }
    const double surplus_w = self->array.available_w - demand_w;
    double flow_w = surplus_w;
    if (surplus_w > 0.0) {
        flow_w = fmin(surplus_w,
                      sim_battery_charge_limit_w(&self->battery, &config->battery, temp_c, dt_s));
    }
    self->generated_w = demand_w + flow_w;
    sim_battery_advance(&self->battery, &config->battery, faults->cell_short, faults->strands_open,
                        flow_w, temp_c, dt_s);
    self->battery_loss_w = self->battery.loss_w;
    return surplus_w < 0.0;
}

/* Outlets and buses as they are at the end of the step. */
static void follow_outlets(sim_power_t *self, const sim_power_config_t *config,
                           const sim_power_faults_t *faults, const flows_t *flows, double dt_s) {
    const sim_bus_config_t *bus = &config->bus;
    const sim_limiter_config_t *payload = &config->payload_limiter;
    const double main_v = self->main_voltage_v;
    const int count = flows->inrush_count;
    const double steady_a = fmin(flows->payload_a, sim_limit_current_a(payload));
    const bool is_overloaded =
        flows->is_shorted ||
        (count > 0 && sim_limiter_trips_on_inrush(payload, count * bus->module_capacitance_f,
                                                  main_v, steady_a, count * bus->module_inrush_a));
    sim_limiter_advance(&self->payload_limiter, payload, flows->payload_a, is_overloaded, main_v,
                        faults->limiter_trip[0], dt_s);
    sim_limiter_advance(&self->host_limiter, &config->host_limiter, flows->host_a, false, main_v,
                        faults->limiter_trip[1], dt_s);
    self->bus54_voltage_v = self->bus_on && self->payload_limiter.is_closed ? main_v : 0.0;
    double bus28_v = main_v;
    if (config->avionics.enabled > 0.5) {
        const double output_a = flows->output_w / config->avionics.voltage_v;
        bus28_v = config->avionics.voltage_v - config->avionics.droop_ohm * output_a;
    }
    const bool is_fed = self->bus_on && self->host_limiter.is_closed && self->avionics_off_s <= 0.0;
    self->bus28_voltage_v = is_fed ? fmax(bus28_v, 0.0) : 0.0;
}

void sim_power_advance(sim_power_t *self, const sim_power_config_t *config,
                       const sim_power_faults_t *faults, sim_plant_image_t *image, double dt_s,
                       const sim_environment_t *environment, const sim_power_loads_t *loads) {
    const double rest_v = source_v(self, config);
    sim_array_look(&self->array, &config->array, environment, faults->string_ok,
                   faults->pointing_ratio, rest_v);
    flows_t flows = {.output_w =
                         loads->host_w + loads->pumps_w + loads->heaters_w + loads->latch_w};
    double lost_j = 0.0;
    const double inrush_w =
        inrush_j(self, &config->bus, image, &lost_j, &flows.inrush_count) / dt_s;
    const double short_w =
        payload_short_w(self, config, faults, loads->modules_w, dt_s, &flows.is_shorted);
    const double payload_w = loads->modules_w + short_w;
    const double host_w = advance_avionics(self, &config->avionics, flows.output_w, dt_s);

    const double ohm = config->bus.source_ohm;
    const double root = rest_v * rest_v - 4.0 * ohm * (payload_w + host_w);
    const double load_v = 0.5 * (rest_v + sqrt(fmax(root, 0.0)));
    flows.payload_a = load_v > 0.0 ? payload_w / load_v : 0.0;
    flows.host_a = load_v > 0.0 ? host_w / load_v : 0.0;
    const double current_a = flows.payload_a + flows.host_a;
    const double wiring_w = ohm * current_a * current_a;

    const double demand_w = payload_w + host_w + wiring_w + inrush_w;
    const double temp_c = loads->battery_temp_c;
    const bool is_short_of_power = share_power(self, config, faults, demand_w, temp_c, dt_s);
    sim_array_warm(&self->array, &config->array, environment, faults->pointing_ratio,
                   self->generated_w, dt_s);
    self->converter_loss_w = self->avionics_loss_w + wiring_w + short_w + lost_j / dt_s;
    self->loss_w = self->battery_loss_w + self->converter_loss_w;

    follow_bus(self, config, temp_c, is_short_of_power, root < 0.0, dt_s);
    self->main_voltage_v = self->bus_on ? source_v(self, config) - ohm * current_a : 0.0;
    follow_outlets(self, config, faults, &flows, dt_s);
    self->charge_ratio = self->battery.charge_ratio;
    self->stored_j = self->battery.stored_j;
    for (int i = 0; i < SIM_ACCELERATORS_MAX; i++) {
        self->stored_j += self->module_j[i];
    }
    publish(self, config, faults, image);
}
