#include "pmbus_state.h"

/* READ_EIN_EXT of the ADM127x family, eight bytes, least significant first: energy (24 bits, rolls
 * over at 0x800000), rollovers (16 bits), power samples (24 bits). The energy is the sum of power
 * words of 8 more bits (ADM1276 data sheet, READ_EIN_EXT and note to table 7; the ADM1272 is taken
 * to be the same: unverified). */
#define EIN_SIZE 8U
#define ENERGY_BITS 23U
#define TOTAL_MASK ((UINT64_C(1) << 39) - 1U)
#define SAMPLE_MASK 0xFFFFFFU
#define EXTENDED_STEPS 256.0
#define POWER_WORD_MAX 32767.0
#define S_PER_NS 1e-9
#define SAMPLES_PER_S_MAX 1e5 /* assumed: ten times what the family samples without averaging */

static uint32_t number24(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
}

/** Mean power word between two readings; false when they are not of one run of the part: counters
 *  that went back look like more samples, or more power, than there can be. */
static bool mean_word(const ns_pmbus_t *self, uint64_t count, uint32_t samples, double *out) {
    double sample_count = (double)((samples - self->energy_samples) & SAMPLE_MASK);
    double sum = (double)((count - self->energy_count) & TOTAL_MASK);
    double elapsed_s = (double)(self->now_ns - self->energy_time_ns) * S_PER_NS;
    *out = sum / EXTENDED_STEPS / sample_count;
    return *out <= POWER_WORD_MAX && sample_count <= SAMPLES_PER_S_MAX * (elapsed_s + 0.1);
}

/** value = (word x 10^-r - b) / m is linear, so a mean of words becomes a mean of watts. */
static ns_status_t watts_of(const ns_pmbus_t *self, double word, double *out_w) {
    const ns_pmbus_scale_t *scale = &self->scales[NS_QUANTITY_PIN];
    double zero_w = 0.0;
    double full_w = 0.0;
    ns_status_t status = ns_pmbus_decode(scale, 0, &zero_w);
    if (status == NS_OK) {
        status = ns_pmbus_decode(scale, (uint16_t)POWER_WORD_MAX, &full_w);
    }
    if (status == NS_OK) {
        *out_w = zero_w + (full_w - zero_w) * (word / POWER_WORD_MAX);
    }
    return status;
}

ns_status_t ns_pmbus_read_energy(ns_pmbus_t *self, double *out_value) {
    uint8_t bytes[EIN_SIZE] = {0};
    size_t size = 0;
    if (!self->is_learnt) {
        return NS_E_STALE;
    }
    ns_status_t status =
        ns_pmbus_read_block(self, ns_pmbus_data(self)->energy, bytes, sizeof bytes, &size);
    if (status == NS_OK && size != EIN_SIZE) {
        status = NS_E_PROTOCOL;
    }
    if (status != NS_OK) {
        return status;
    }
    uint64_t rollovers = (uint64_t)bytes[3] | (uint64_t)bytes[4] << 8;
    uint64_t count = (rollovers << ENERGY_BITS) + (number24(bytes) & ((1U << ENERGY_BITS) - 1U));
    uint32_t samples = number24(&bytes[5]);
    double word = 0.0;
    if (self->energy_is_started && samples == self->energy_samples) {
        *out_value = self->energy_j; /* no new sample: the time since counts at the next one */
        return NS_OK;
    }
    if (self->energy_is_started && mean_word(self, count, samples, &word)) {
        double power_w = 0.0;
        status = watts_of(self, word, &power_w);
        if (status != NS_OK) {
            return status;
        }
        self->energy_j += power_w * ((double)(self->now_ns - self->energy_time_ns) * S_PER_NS);
    }
    self->energy_is_started = true;
    self->energy_count = count;
    self->energy_samples = samples;
    self->energy_time_ns = self->now_ns;
    *out_value = self->energy_j;
    return NS_OK;
}
