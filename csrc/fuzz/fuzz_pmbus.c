/* A PMBus part that answers whatever the input says, with right or wrong check codes and pages:
 * words, blocks, status. The driver must end, never give what is no number, never write what it
 * must not, and keep its evidence inside its room. */
#include <math.h>

#include "fuzz.h"
#include "nightside/bus.h"
#include "nightside/codec.h"
#include "nightside/pmbus.h"

#define PAGE 0x00U
#define WRITE_PROTECT 0x10U
#define TRANSFERS_PER_CALL_MAX 20000U /* more is a loop without an end */

/* How the part takes one transfer; 0 is the ordinary. */
#define IS_FAILURE 0x07U /* all three bits: one transfer in eight */
#define IS_OTHER_REGISTER 0x08U
#define IS_OTHER_PEC 0x10U

typedef struct part {
    fuzz_input_t input;
    uint8_t registers[256]; /**< first byte of what was written last */
    bool has_pec;
    unsigned transfer_count; /**< of the present call */
    int64_t now_ns;
} part_t;

/** VOUT_COMMAND, STORE_* and RESTORE_* are never written. */
static bool is_forbidden(uint8_t command) {
    return command == 0x21 || (command >= 0x11 && command <= 0x18);
}

static void take_write(part_t *part, uint8_t address, const uint8_t *write, size_t size) {
    CLAIM(!is_forbidden(write[0]));
    if (part->has_pec) {
        const uint8_t head = (uint8_t)(address << 1);
        CLAIM(size >= 2 && ns_pec(ns_pec(0, &head, 1), write, size - 1) == write[size - 1]);
    }
    if (size >= 2) {
        part->registers[write[0]] = write[1];
    }
}

static void give_read(part_t *part, uint8_t address, const uint8_t *write, size_t write_size,
                      uint8_t *read, size_t size, uint8_t kind) {
    take_bytes(&part->input, read, size);
    bool is_register = write[0] == PAGE || write[0] == WRITE_PROTECT;
    if (is_register && (kind & IS_OTHER_REGISTER) == 0) {
        read[0] = part->registers[write[0]];
    }
    if (part->has_pec && (kind & IS_OTHER_PEC) == 0) {
        const uint8_t to = (uint8_t)(address << 1);
        const uint8_t from = (uint8_t)(to | 1U);
        uint8_t crc = ns_pec(ns_pec(0, &to, 1), write, write_size);
        read[size - 1] = ns_pec(ns_pec(crc, &from, 1), read, size - 1);
    }
}

static ns_status_t transfer(void *ctx, uint8_t address, const uint8_t *write, size_t write_size,
                            uint8_t *read, size_t read_size, uint32_t timeout_us) {
    static const ns_status_t failures[] = {NS_E_NACK, NS_E_TIMEOUT, NS_E_IO, NS_E_ARG};
    part_t *part = ctx;
    CLAIM(write_size > 0 && timeout_us > 0 && ++part->transfer_count < TRANSFERS_PER_CALL_MAX);
    part->now_ns += 100000;
    uint8_t kind = take_u8(&part->input);
    if ((kind & IS_FAILURE) == IS_FAILURE) {
        return failures[kind >> 6];
    }
    if (read_size == 0) {
        take_write(part, address, write, write_size);
    } else {
        give_read(part, address, write, write_size, read, read_size, kind);
    }
    return NS_OK;
}

static int64_t now_ns(void *ctx) {
    const part_t *part = ctx;
    return part->now_ns;
}

static void delay(void *ctx, uint32_t us) {
    part_t *part = ctx;
    part->now_ns += (int64_t)us * 1000;
}

static const ns_bus_ops_t bus_ops = {
    .abi = NS_BUS_OPS_ABI, .transfer = transfer, .now_ns = now_ns, .delay = delay};

static ns_pmbus_config_t take_config(fuzz_input_t *input) {
    static const double limits_a[] = {0.0, 12.5, 1e-3, 4e6};
    uint8_t bits = take_u8(input);
    uint32_t part = take_u8(input) % NS_PMBUS_PART_COUNT;
    bool needs_shunt = part >= NS_PMBUS_PART_ADM1272 && part <= NS_PMBUS_PART_LM5066;
    return (ns_pmbus_config_t){.address = 0x40,
                               .has_page = bits & 1U,
                               .has_pec = bits >> 1 & 1U,
                               .page = take_u8(input) % 32,
                               .timeout_us = 1000,
                               .current_limit_a = limits_a[bits >> 2 & 3U],
                               .part = part,
                               .shunt_uohm = needs_shunt ? 1000U : 0U,
                               .voltage_limit_v_high = (bits & 0x10U) != 0 ? 12.6 : 0.0,
                               .temp_limit_c = (bits & 0x20U) != 0 ? 90.0 : 0.0,
                               .has_phase = bits >> 6 & 1U,
                               .phase = NS_PMBUS_PHASE_ALL};
}

static void read_all(ns_pmbus_t *device, part_t *part) {
    for (uint32_t channel = 0; channel <= NS_PMBUS_CHANNEL_COUNT; channel++) {
        double value = 0.0;
        part->transfer_count = 0;
        ns_status_t status = ns_pmbus_ops.read(device, channel, &value);
        CLAIM(status != NS_OK || isfinite(value));
        CLAIM(channel < NS_PMBUS_CHANNEL_COUNT || status != NS_OK);
    }
}

static void keep_evidence(ns_pmbus_t *device) {
    if (ns_pmbus_ops.alarm != NULL) {
        (void)ns_pmbus_ops.alarm(device);
    }
    if (ns_pmbus_ops.capture != NULL) {
        uint8_t *evidence = malloc(NS_EVIDENCE_BYTES);
        CLAIM(evidence != NULL);
        size_t size = 0;
        ns_status_t status = ns_pmbus_ops.capture(device, evidence, NS_EVIDENCE_BYTES, &size);
        CLAIM(status != NS_OK || size <= NS_EVIDENCE_BYTES);
        free(evidence);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static part_t part;
    static ns_pmbus_t device;
    part = (part_t){.input = {.bytes = bytes, .size = size}};
    ns_pmbus_config_t config = take_config(&part.input);
    part.has_pec = config.has_pec != 0;
    if (ns_pmbus_open(&device, &config, &bus_ops, &part) != NS_OK) {
        return 0;
    }
    while (part.input.size > 0) {
        part.transfer_count = 0;
        (void)ns_pmbus_ops.begin(&device, part.now_ns, UINT64_MAX);
        read_all(&device, &part);
        part.transfer_count = 0;
        keep_evidence(&device);
        uint8_t act = take_u8(&part.input);
        if (act > 0 && act < 0x40) {
            (void)ns_pmbus_ops.write(&device, act % (NS_PMBUS_CHANNEL_COUNT + 1U), act & 1U);
        } else if (act >= 0x40 && act < 0x60 && ns_pmbus_ops.request != NULL) {
            (void)ns_pmbus_ops.request(&device, (ns_request_kind_t)(act % 6U));
        }
    }
    return 0;
}
