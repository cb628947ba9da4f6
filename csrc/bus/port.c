#define _POSIX_C_SOURCE 200809L

#include "nightside/bus_port.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "nightside/bus.h"

#define NS_PER_US 1000
#define NS_PER_S 1000000000
#define RECOVERY_PERIOD_NS NS_PER_S /* assumed: a bus that hangs again at once is left alone */
#define TIMEOUTS_MIN 2U             /* in a row; one may be a device that was busy */
#define DEADLINE_NS_MAX (3600LL * NS_PER_S) /* assumed: longer is none */

/* A double is its own logarithm: exponent and the first three bits of the mantissa number buckets
 * of an eighth of an octave, whose middle is within 1/16 of each value inside. */
#define BUCKET_SHIFT 49U
#define BUCKETS_PER_OCTAVE 8U
#define BUCKET_OFFSET (1023U * BUCKETS_PER_OCTAVE) /* of 1 ns */
#define OCTAVES 37U                                /* up to 137 s */
#define BUCKET_COUNT (OCTAVES * BUCKETS_PER_OCTAVE)

static_assert(sizeof(double) == 8, "buckets come from the bits of an IEEE 754 double");

struct ns_bus_port {
    ns_bus_ops_t ops;        /* what devices see */
    const ns_bus_ops_t *bus; /* NULL: none */
    void *bus_ctx;
    int64_t (*now_ns)(void *ctx); /* NULL: none */
    void *clock_ctx;
    bool has_deadline;
    int64_t end_ns;  /* of the call, on the clock */
    int64_t left_ns; /* of the call, without a clock */
    int64_t call_ns; /* start of the call, on the clock */
    uint64_t timeouts_in_row;
    bool is_recovery_due; /* noted inside a call, done before the next one */
    bool has_recovered;
    int64_t recovery_ns;
    ns_bus_statistics_t counts;
    uint64_t instant_count; /* transfers of less than 1 ns */
    uint64_t buckets[BUCKET_COUNT];
};

static int64_t now_of(const ns_bus_port_t *self) {
    return self->now_ns == NULL ? 0 : self->now_ns(self->clock_ctx);
}

static void count_status(ns_bus_statistics_t *counts, ns_status_t status) {
    counts->transfer_count++;
    switch (status) {
    case NS_OK:
        break;
    case NS_E_NACK:
        counts->nack_count++;
        break;
    case NS_E_TIMEOUT:
        counts->timeout_count++;
        break;
    default:
        counts->other_error_count++;
        break;
    }
}

static void count_time(ns_bus_port_t *self, int64_t taken_ns) {
    ns_bus_statistics_t *counts = &self->counts;
    if (taken_ns < 1) { /* simulated time may stand still */
        self->instant_count++;
        return;
    }
    double value = (double)taken_ns;
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    uint64_t bucket = (bits >> BUCKET_SHIFT) - BUCKET_OFFSET;
    self->buckets[bucket < BUCKET_COUNT ? bucket : BUCKET_COUNT - 1]++;
    counts->busy_ns += taken_ns;
    if (taken_ns > counts->max_ns) {
        counts->max_ns = taken_ns;
    }
}

/** What is left of the call, in whole microseconds, at most timeout_us. */
static uint32_t grant_us(const ns_bus_port_t *self, uint32_t timeout_us, int64_t now_ns) {
    if (!self->has_deadline) {
        return timeout_us;
    }
    int64_t left_ns = self->now_ns == NULL ? self->left_ns : self->end_ns - now_ns;
    int64_t left_us = left_ns / NS_PER_US;
    if (left_us <= 0) {
        return 0;
    }
    return left_us < (int64_t)timeout_us ? (uint32_t)left_us : timeout_us;
}

static bool recovery_is_allowed(const ns_bus_port_t *self) {
    return self->now_ns == NULL || !self->has_recovered ||
           now_of(self) - self->recovery_ns >= RECOVERY_PERIOD_NS;
}

static bool recovery_is_wanted(const ns_bus_port_t *self) {
    uint64_t count = self->timeouts_in_row;
    if (count < TIMEOUTS_MIN) {
        return false;
    }
    bool is_power_of_two = (count & (count - 1)) == 0;
    return self->now_ns == NULL ? is_power_of_two : recovery_is_allowed(self);
}

static ns_status_t recover_now(ns_bus_port_t *self) {
    self->is_recovery_due = false;
    self->counts.recovery_count++;
    self->has_recovered = true;
    ns_status_t status = self->bus->recover(self->bus_ctx);
    self->recovery_ns = now_of(self);
    return status;
}

/** A recovery is not bounded by the call, so it is never part of one. */
static ns_status_t recover(void *ctx) {
    ns_bus_port_t *self = ctx;
    if (self->has_deadline) {
        self->is_recovery_due = recovery_is_allowed(self);
        return NS_E_TIMEOUT;
    }
    return recover_now(self);
}

static void settle(ns_bus_port_t *self, ns_status_t status, int64_t start_ns, uint32_t granted_us) {
    count_status(&self->counts, status);
    int64_t granted_ns = (int64_t)granted_us * NS_PER_US;
    if (self->now_ns != NULL) {
        int64_t taken_ns = now_of(self) - start_ns;
        count_time(self, taken_ns);
        self->counts.overrun_count += taken_ns > granted_ns ? 1U : 0U;
    }
    if (status != NS_E_TIMEOUT) {
        self->timeouts_in_row = 0;
        self->is_recovery_due = false; /* the bus is free */
        return;
    }
    self->left_ns -= granted_ns;
    self->timeouts_in_row++;
    if (self->bus->recover != NULL && recovery_is_wanted(self)) {
        (void)recover(self); /* counted; the next transfer shows whether it helped */
    }
}

static ns_status_t transfer(void *ctx, uint8_t address, const uint8_t *write, size_t write_size,
                            uint8_t *read, size_t read_size, uint32_t timeout_us) {
    ns_bus_port_t *self = ctx;
    int64_t start_ns = now_of(self);
    uint32_t granted_us = grant_us(self, timeout_us, start_ns);
    if (granted_us == 0) {
        return NS_E_TIMEOUT;
    }
    ns_status_t status =
        self->bus->transfer(self->bus_ctx, address, write, write_size, read, read_size, granted_us);
    settle(self, status, start_ns, granted_us);
    return status;
}

static ns_status_t exchange(void *ctx, const uint8_t *write, size_t write_size, uint8_t *read,
                            size_t read_capacity, size_t *out_read_size, uint32_t timeout_us) {
    ns_bus_port_t *self = ctx;
    int64_t start_ns = now_of(self);
    uint32_t granted_us = grant_us(self, timeout_us, start_ns);
    if (granted_us == 0) {
        return NS_E_TIMEOUT;
    }
    ns_status_t status = self->bus->exchange(self->bus_ctx, write, write_size, read, read_capacity,
                                             out_read_size, granted_us);
    settle(self, status, start_ns, granted_us);
    return status;
}

static int64_t port_now_ns(void *ctx) {
    return now_of(ctx);
}

static void delay(void *ctx, uint32_t us) {
    ns_bus_port_t *self = ctx;
    uint32_t granted_us = grant_us(self, us, now_of(self));
    if (granted_us == 0) {
        return;
    }
    self->left_ns -= (int64_t)granted_us * NS_PER_US;
    self->bus->delay(self->bus_ctx, granted_us);
}

size_t ns_bus_port_size(void) {
    return sizeof(struct ns_bus_port);
}

static bool bus_is_valid(const ns_bus_ops_t *bus) {
    return bus == NULL ||
           (bus->abi == NS_BUS_OPS_ABI && (bus->transfer != NULL || bus->exchange != NULL));
}

ns_status_t ns_bus_port_open(void *memory, size_t size, const void *bus_ops, void *bus_ctx,
                             int64_t (*now_ns)(void *ctx), void *clock_ctx, ns_bus_port_t **out) {
    const ns_bus_ops_t *bus = bus_ops;
    if (memory == NULL || (uintptr_t)memory % 8 != 0 || out == NULL || !bus_is_valid(bus)) {
        return NS_E_ARG;
    }
    if (size < sizeof(struct ns_bus_port)) {
        return NS_E_FULL;
    }
    memset(memory, 0, sizeof(struct ns_bus_port));
    ns_bus_port_t *self = memory;
    self->bus = bus;
    self->bus_ctx = bus_ctx;
    self->now_ns = now_ns;
    self->clock_ctx = clock_ctx;
    if (bus != NULL && bus->now_ns != NULL) {
        self->now_ns = bus->now_ns;
        self->clock_ctx = bus_ctx;
    }
    if (bus != NULL) {
        self->ops = (ns_bus_ops_t){.abi = NS_BUS_OPS_ABI,
                                   .transfer = bus->transfer == NULL ? NULL : transfer,
                                   .exchange = bus->exchange == NULL ? NULL : exchange,
                                   .now_ns = self->now_ns == NULL ? NULL : port_now_ns,
                                   .delay = bus->delay == NULL ? NULL : delay,
                                   .recover = bus->recover == NULL ? NULL : recover};
    }
    self->counts.since_ns = now_of(self);
    *out = self;
    return NS_OK;
}

const void *ns_bus_port_ops(const ns_bus_port_t *self) {
    return self == NULL || self->bus == NULL ? NULL : &self->ops;
}

void ns_bus_port_start_call(ns_bus_port_t *self, int64_t deadline_ns) {
    if (self == NULL) {
        return;
    }
    if (self->is_recovery_due) {
        (void)recover_now(self);
    }
    self->has_deadline = deadline_ns > 0 && deadline_ns <= DEADLINE_NS_MAX;
    self->left_ns = deadline_ns;
    self->call_ns = now_of(self);
    self->end_ns = self->has_deadline ? self->call_ns + deadline_ns : INT64_MAX;
}

void ns_bus_port_end_call(ns_bus_port_t *self, ns_status_t status) {
    if (self == NULL) {
        return;
    }
    self->has_deadline = false;
    if (self->bus != NULL) {
        return;
    }
    count_status(&self->counts, status);
    if (self->now_ns != NULL) {
        int64_t end_ns = now_of(self);
        count_time(self, end_ns - self->call_ns);
        self->counts.overrun_count += end_ns > self->end_ns ? 1U : 0U;
    }
}

bool ns_bus_port_has_time(const ns_bus_port_t *self) {
    return self == NULL || grant_us(self, 1, now_of(self)) > 0;
}

void ns_bus_port_count_pec_error(ns_bus_port_t *self) {
    if (self != NULL) {
        self->counts.pec_error_count++;
    }
}

void ns_bus_port_count_retry(ns_bus_port_t *self) {
    if (self != NULL) {
        self->counts.retry_count++;
    }
}

/** The middle of a bucket, but no time that was never taken. */
static int64_t middle_of(const ns_bus_port_t *self, uint64_t bucket) {
    uint64_t bits = (bucket + BUCKET_OFFSET) << BUCKET_SHIFT | 1ULL << (BUCKET_SHIFT - 1);
    double middle = 0.0;
    memcpy(&middle, &bits, sizeof middle);
    int64_t middle_ns = (int64_t)middle;
    return middle_ns < self->counts.max_ns ? middle_ns : self->counts.max_ns;
}

static void fill_percentiles(const ns_bus_port_t *self, ns_bus_statistics_t *out) {
    uint64_t total = self->instant_count;
    for (uint64_t i = 0; i < BUCKET_COUNT; i++) {
        total += self->buckets[i];
    }
    uint64_t below_p50 = (total + 1) / 2; /* that many are not above it */
    uint64_t below_p99 = total - total / 100;
    uint64_t seen = self->instant_count;
    for (uint64_t i = 0; i < BUCKET_COUNT && seen < below_p99; i++) {
        bool is_p50 = seen < below_p50 && seen + self->buckets[i] >= below_p50;
        seen += self->buckets[i];
        if (is_p50) {
            out->p50_ns = middle_of(self, i);
        }
        if (seen >= below_p99) {
            out->p99_ns = middle_of(self, i);
        }
    }
}

ns_status_t ns_bus_port_statistics(const ns_bus_port_t *self, ns_bus_statistics_t *out) {
    if (self == NULL || out == NULL) {
        return NS_E_ARG;
    }
    *out = self->counts;
    fill_percentiles(self, out);
    return NS_OK;
}

int64_t ns_monotonic_now_ns(void *unused) {
    (void)unused;
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail: the clock exists on Linux */
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}
