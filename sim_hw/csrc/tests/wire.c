/** @file wire.c */
#include "wire.h"

ns_status_t wire(sim_bench_t *bench, uint8_t address, const uint8_t *write, size_t write_size,
                 uint8_t *read, size_t read_size) {
    ns_bus_t bus = sim_bench_bus(bench);
    return bus.ops->transfer(bus.ctx, address, write, write_size, read, read_size, TIMEOUT_US);
}

unsigned get(sim_bench_t *bench, uint8_t address, size_t size, uint8_t code) {
    uint8_t answer[3] = {0, 0, 0};
    CHECK(wire(bench, address, &code, 1, answer, size + 1u) == NS_OK);
    uint8_t head[] = {(uint8_t)(address << 1), code, (uint8_t)((address << 1) + 1)};
    CHECK(sim_pec_update(sim_pec_update(0, head, 3), answer, size) == answer[size]);
    return size == 1 ? answer[0] : (unsigned)(answer[0] | answer[1] << 8);
}

ns_status_t try_get(sim_bench_t *bench, uint8_t address, size_t size, uint8_t code) {
    uint8_t answer[3] = {0, 0, 0};
    return wire(bench, address, &code, 1, answer, size);
}

ns_status_t put(sim_bench_t *bench, uint8_t address, size_t size, uint8_t code, unsigned value) {
    uint8_t bytes[5] = {(uint8_t)(address << 1), code, (uint8_t)(value & 0xFFu),
                        (uint8_t)(value >> 8), 0};
    bytes[2u + size] = sim_pec_update(0, bytes, 2u + size);
    return wire(bench, address, &bytes[1], 2u + size, NULL, 0);
}

size_t get_block(sim_bench_t *bench, uint8_t address, uint8_t code, uint8_t *data) {
    uint8_t answer[257] = {0};
    CHECK(wire(bench, address, &code, 1, answer, 1) == NS_OK);
    size_t size = answer[0];
    CHECK(wire(bench, address, &code, 1, answer, size + 2u) == NS_OK);
    uint8_t head[] = {(uint8_t)(address << 1), code, (uint8_t)((address << 1) + 1)};
    CHECK(sim_pec_update(sim_pec_update(0, head, 3), answer, size + 1u) == answer[size + 1u]);
    memcpy(data, &answer[1], size);
    return size;
}

uint64_t get_be(sim_bench_t *bench, uint8_t address, size_t size, uint8_t index) {
    uint8_t answer[5] = {0};
    CHECK(wire(bench, address, &index, 1, answer, size) == NS_OK);
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value = value << 8 | answer[i];
    }
    return value;
}

ns_status_t put_be(sim_bench_t *bench, uint8_t address, uint8_t index, unsigned value) {
    uint8_t bytes[3] = {index, (uint8_t)(value >> 8), (uint8_t)(value & 0xFFu)};
    return wire(bench, address, bytes, 3, NULL, 0);
}
