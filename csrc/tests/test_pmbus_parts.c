#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "fake_pmbus.h"
#include "nightside/codec.h"
#include "nightside/pmbus.h"

/* What each part's words mean, in each of its ranges, and how its limits are programmed. */

static fake_pmbus_t part;
static ns_pmbus_t device;

static ns_pmbus_config_t config_of(uint32_t kind, uint32_t shunt_uohm) {
    return (ns_pmbus_config_t){.address = FAKE_ADDRESS,
                               .has_pec = 1,
                               .timeout_us = FAKE_TIMEOUT_US,
                               .part = kind,
                               .shunt_uohm = shunt_uohm};
}

static void open_with(const ns_pmbus_config_t *config) {
    CHECK_STATUS(ns_pmbus_open(&device, config, &fake_pmbus_ops, &part), NS_OK);
}

/** Two rounds: a monitor that the first one started has measured by the second. */
static ns_status_t begin(void) {
    ns_status_t status = ns_pmbus_ops.begin(&device, 0, UINT64_MAX);
    return status == NS_OK ? ns_pmbus_ops.begin(&device, 100000000, UINT64_MAX) : status;
}

static ns_status_t read_channel(uint32_t channel, double *out) {
    return ns_pmbus_ops.read(&device, channel, out);
}

static double value_of(uint32_t channel) {
    double value = (double)NAN;
    CHECK_STATUS(read_channel(channel, &value), NS_OK);
    return value;
}

static void check_unsupported(uint32_t channel) {
    double value = 7.0;
    CHECK_STATUS(read_channel(channel, &value), NS_E_UNSUPPORTED);
    CHECK_EXACT(value, 7.0);
}

/** One word of one channel. */
typedef struct vector {
    uint32_t channel;
    uint8_t command;
    uint16_t raw;
    double value;
} vector_t;

static void check_vectors(const vector_t *vectors, size_t count) {
    for (size_t i = 0; i < count; i++) {
        fake_pmbus_define(&part, vectors[i].command, 2, vectors[i].raw);
        double value = value_of(vectors[i].channel);
        if (value < vectors[i].value || value > vectors[i].value) {
            CHECK_NEAR(value, vectors[i].value);
        }
    }
}

#define CHECK_VECTORS(list) check_vectors(list, sizeof(list) / sizeof(list)[0])

static void init_adm1275(uint8_t monitor) {
    fake_pmbus_init(&part);
    part.size[0x10] = 0; /* no WRITE_PROTECT */
    part.size[0x20] = 0; /* no VOUT_MODE */
    part.size[0x46] = 0; /* the limit is strapped */
    fake_pmbus_define(&part, 0x4A, 2, 0x0FFF);
    fake_pmbus_define(&part, 0xD3, 1, 0x00);
    fake_pmbus_define(&part, 0xD4, 1, monitor);
    fake_pmbus_define(&part, 0xD8, 1, 0x00);
    fake_pmbus_define(&part, 0xD9, FAKE_SEND, 0);
}

static void adm1275_is_decoded_by_its_range(void) {
    static const vector_t high_range[] = {
        /* 12.0006 V, -6.2 mA, +6.2 mA, 12.695 A */
        {NS_PMBUS_INPUT_VOLTAGE_V, 0x88, 0x0900, 230400.0 / 19199.0},
        {NS_PMBUS_CURRENT_A, 0x8C, 0x07FF, -0.5 / 80.7},
        {NS_PMBUS_CURRENT_A, 0x8C, 0x0800, 0.5 / 80.7},
        {NS_PMBUS_CURRENT_A, 0x8C, 0x0C00, 10245.0 / 807.0},
        {NS_PMBUS_INPUT_CURRENT_A, 0x8C, 0x0C00, 10245.0 / 807.0},
        {NS_PMBUS_CURRENT_A_PEAK, 0xD0, 0x0C00, 10245.0 / 807.0},
    };
    static const vector_t low_range[] = {{NS_PMBUS_VOLTAGE_V, 0x8B, 0x0900, 2304.0 / 672.0}};
    init_adm1275(0x2C);
    ns_pmbus_config_t config = config_of(NS_PMBUS_PART_ADM1275, 1000);
    open_with(&config);
    CHECK_STATUS(begin(), NS_OK);
    CHECK_VECTORS(high_range);
    check_unsupported(NS_PMBUS_VOLTAGE_V); /* VIN is sampled, not VOUT */
    check_unsupported(NS_PMBUS_POWER_W);
    init_adm1275(0xCC); /* VOUT is sampled, 6 V range */
    open_with(&config);
    CHECK_STATUS(begin(), NS_OK);
    CHECK_VECTORS(low_range);
    check_unsupported(NS_PMBUS_INPUT_VOLTAGE_V);
}

/** Its monitor stands still after power-up, and OPERATION is not acknowledged. */
static void adm1275_is_made_to_run_and_to_obey(void) {
    init_adm1275(0x2C);
    ns_pmbus_config_t config = config_of(NS_PMBUS_PART_ADM1275, 1000);
    open_with(&config);
    CHECK_STATUS(begin(), NS_OK);
    CHECK(part.words[0][0xD3] == 1 && part.words[0][0xD4] == 0xAC && part.words[0][0xD8] == 0x20);
    unsigned writes = part.write_count;
    CHECK_STATUS(begin(), NS_OK);
    CHECK(part.write_count == writes);
    part.words[0][0xD4] = 0x0C; /* power cycle into the other range, running already */
    part.words[0][0xD3] = 1;
    part.fails_command = 256;
    part.failure = NS_E_NACK;
    CHECK_STATUS(begin(), NS_E_NACK);
    part.fails_command = -1;
    CHECK_STATUS(begin(), NS_OK);
    fake_pmbus_define(&part, 0x88, 2, 0x0900);
    CHECK_NEAR(value_of(NS_PMBUS_INPUT_VOLTAGE_V), 2304.0 / 672.0);
    CHECK(part.words[0][0xD3] == 1 && part.words[0][0xD4] == 0x8C);
}

/** A setting that does not stay is a fault, not a reading. */
static void a_monitor_that_does_not_take_its_setting_fails(void) {
    static const uint8_t settings[] = {0xD3, 0xD4, 0xD8};
    for (size_t i = 0; i < sizeof settings; i++) {
        init_adm1275(0x2C);
        part.is_stuck[settings[i]] = true;
        ns_pmbus_config_t config = config_of(NS_PMBUS_PART_ADM1275, 1000);
        open_with(&config);
        CHECK_STATUS(begin(), NS_E_RANGE);
    }
}

static void init_adm1272(uint16_t monitor) {
    init_adm1275(0);
    part.size[0xD8] = 0;
    fake_pmbus_define(&part, 0xD4, 2, monitor);
    fake_pmbus_define(&part, 0xD3, 1, 1);
}

static void adm1272_is_decoded_by_its_ranges(void) {
    static const struct {
        uint16_t monitor;
        double voltage_v; /* of 0x079E */
        double current_a; /* of 0x0C00 over 300 uohm */
        double power_w;   /* of 0x1000 over 300 uohm */
    } ranges[] = {
        {0x3F35, 195000.0 / 4062.0, 10240.0 / 198.9, 4096000.0 / 3160.5},
        {0x3F34, 195000.0 / 4062.0, 10240.0 / 397.8, 4096000.0 / 6321.3},
        {0x3F15, 195000.0 / 6770.0, 10240.0 / 198.9, 4096000.0 / 5268.3},
        {0x3F14, 195000.0 / 6770.0, 10240.0 / 397.8, 409600.0 / 1053.6},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        init_adm1272(ranges[i].monitor);
        ns_pmbus_config_t config = config_of(NS_PMBUS_PART_ADM1272, 300);
        open_with(&config);
        CHECK_STATUS(begin(), NS_OK);
        const vector_t vectors[] = {
            {NS_PMBUS_VOLTAGE_V, 0x8B, 1950, ranges[i].voltage_v},
            {NS_PMBUS_INPUT_VOLTAGE_V, 0x88, 1950, ranges[i].voltage_v},
            {NS_PMBUS_VOLTAGE_V_PEAK, 0xD2, 1950, ranges[i].voltage_v},
            {NS_PMBUS_CURRENT_A, 0x8C, 0x0C00, ranges[i].current_a},
            {NS_PMBUS_CURRENT_A_PEAK, 0xD0, 0x0C00, ranges[i].current_a},
            {NS_PMBUS_POWER_W, 0x97, 0x1000, ranges[i].power_w},
            {NS_PMBUS_INPUT_POWER_W, 0x97, 0x1000, ranges[i].power_w},
            {NS_PMBUS_POWER_W_PEAK, 0xDA, 0x1000, ranges[i].power_w},
            {NS_PMBUS_TEMP_C, 0x8D, 0x0CDC, 1049.0 / 42.0}, /* 25 degC */
            {NS_PMBUS_TEMP_C_PEAK, 0xD7, 0x0CDC, 1049.0 / 42.0},
        };
        CHECK_VECTORS(vectors);
        CHECK(part.words[0][0xD4] == (ranges[i].monitor | 0x1E)); /* all is sampled */
        check_unsupported(NS_PMBUS_CURRENT_A_AVERAGE);
    }
}

static void init_lm(uint8_t setup) {
    fake_pmbus_init(&part);
    part.size[0x10] = 0;
    part.size[0x20] = 0;
    part.size[0x46] = 0;
    fake_pmbus_define(&part, 0xD3, 2, 0x0FFF);
    fake_pmbus_define(&part, 0xD4, 2, 0x0FFF);
    fake_pmbus_define(&part, 0xD9, 1, setup);
    fake_pmbus_define(&part, 0x43, 2, 0);
    fake_pmbus_define(&part, 0x4F, 2, 0x0FFF);
}

static void lm25066_follows_its_shunt_and_current_limit(void) {
    static const vector_t low[] = {
        {NS_PMBUS_VOLTAGE_V, 0x8B, 0x0A46, 264800.0 / 22070.0}, /* 12 V */
        {NS_PMBUS_INPUT_VOLTAGE_V, 0x88, 0x0A46, 264800.0 / 22070.0},
        {NS_PMBUS_CURRENT_A, 0xD1, 1000, 105200.0 / 27322.0}, /* 2 mohm */
        {NS_PMBUS_INPUT_CURRENT_A, 0xD1, 1000, 105200.0 / 27322.0},
        {NS_PMBUS_CURRENT_A_AVERAGE, 0xDE, 1000, 105200.0 / 27322.0},
        {NS_PMBUS_POWER_W, 0xD2, 1000, 103300.0 / 1472.0},
        {NS_PMBUS_INPUT_POWER_W, 0xD2, 1000, 103300.0 / 1472.0},
        {NS_PMBUS_POWER_W_PEAK, 0xD5, 1000, 103300.0 / 1472.0},
        {NS_PMBUS_POWER_W_AVERAGE, 0xDF, 1000, 103300.0 / 1472.0},
        {NS_PMBUS_TEMP_C, 0x8D, 400, 25.0},
        {NS_PMBUS_TEMP_C, 0x8D, 0xFD80, -40.0},
    };
    static const vector_t high[] = {
        {NS_PMBUS_CURRENT_A, 0xD1, 1000, 103100.0 / 13708.0},
        {NS_PMBUS_POWER_W, 0xD2, 1000, 101900.0 / 738.0},
    };
    ns_pmbus_config_t config = config_of(NS_PMBUS_PART_LM25066, 2000);
    init_lm(0x04);
    open_with(&config);
    CHECK_STATUS(begin(), NS_OK);
    CHECK_VECTORS(low);
    check_unsupported(NS_PMBUS_VOLTAGE_V_PEAK);
    init_lm(0x14);
    open_with(&config);
    CHECK_STATUS(begin(), NS_OK);
    CHECK_VECTORS(high);
    init_lm(0x00); /* the pin rules: bit 4 means nothing */
    config.sense_range = 2;
    open_with(&config);
    CHECK_STATUS(begin(), NS_OK);
    CHECK_VECTORS(high);
    fake_pmbus_define(&part, 0xD9, 1, 0x04); /* an upset: the register rules */
    CHECK_STATUS(ns_pmbus_ops.begin(&device, 200000000, UINT64_MAX), NS_OK);
    CHECK_VECTORS(low);
}

/** The bit means the opposite of the LM25066's. */
static void lm5066_follows_its_shunt_and_current_limit(void) {
    static const vector_t high[] = {
        {NS_PMBUS_VOLTAGE_V, 0x8B, 2000, 202400.0 / 4587.0},
        {NS_PMBUS_INPUT_VOLTAGE_V, 0x88, 2000, 201200.0 / 4587.0},
        {NS_PMBUS_CURRENT_A, 0xD1, 1000, 100600.0 / 5405.0},
        {NS_PMBUS_POWER_W, 0xD2, 1000, 1008000.0 / 605.0},
    };
    static const vector_t low[] = {
        {NS_PMBUS_CURRENT_A, 0xD1, 1000, 101200.0 / 10753.0},
        {NS_PMBUS_POWER_W, 0xD2, 1000, 1006000.0 / 1204.0},
    };
    ns_pmbus_config_t config = config_of(NS_PMBUS_PART_LM5066, 1000);
    init_lm(0x04);
    open_with(&config);
    CHECK_STATUS(begin(), NS_OK);
    CHECK_VECTORS(high);
    init_lm(0x14);
    open_with(&config);
    CHECK_STATUS(begin(), NS_OK);
    CHECK_VECTORS(low);
    init_lm(0x00);
    config.sense_range = 1;
    open_with(&config);
    CHECK_STATUS(begin(), NS_OK);
    CHECK_VECTORS(low);
}

/** Rounded toward safe in the part's own words: 10 A is between two of them. */
static void limits_of_a_hot_swap_are_programmed_in_its_own_words(void) {
    init_lm(0x04);
    ns_pmbus_config_t config = config_of(NS_PMBUS_PART_LM25066, 1000);
    config.current_limit_a = 10.0;
    config.voltage_limit_v_low = 10.8;
    config.temp_limit_c = 100.0;
    config.power_limit_w = 120.0;
    open_with(&config);
    CHECK_STATUS(ns_pmbus_ops.write(&device, NS_PMBUS_ENABLE, 1.0), NS_OK);
    CHECK(part.words[0][0xD3] == 1314); /* (13661 x 10 - 5200) / 100 = 1314.1, down */
    CHECK(part.words[0][0x43] == 2366); /* (22070 x 10.8 - 1800) / 100 = 2365.56, up */
    CHECK(part.words[0][0x4F] == 1600);
    CHECK(part.words[0][0xD4] == 850); /* (736 x 120 - 3300) / 100 = 850.2, down */
    CHECK(part.words[0][0x01] == 0x80 && device.program_count == 1);
    config.current_limit_a = 40.0; /* does not fit 12 bits */
    open_with(&config);
    CHECK_STATUS(begin(), NS_E_RANGE);
    CHECK_STATUS(ns_pmbus_ops.write(&device, NS_PMBUS_ENABLE, 1.0), NS_E_RANGE);
    config.current_limit_a = 0.0;
    config.voltage_limit_v_high = 13.0; /* it has no such limit */
    CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_pmbus_ops, &part), NS_E_UNSUPPORTED);
}

static void renesas_rails_are_paged_direct(void) {
    static const vector_t vectors[] = {
        {NS_PMBUS_VOLTAGE_V, 0x8B, 850, 0.85},      {NS_PMBUS_CURRENT_A, 0x8C, 1234, 123.4},
        {NS_PMBUS_CURRENT_A, 0x8C, 0xFFF6, -1.0},   {NS_PMBUS_POWER_W, 0x96, 105, 105.0},
        {NS_PMBUS_TEMP_C, 0x8D, 0xFFD8, -40.0},     {NS_PMBUS_INPUT_CURRENT_A, 0x89, 912, 9.12},
        {NS_PMBUS_INPUT_POWER_W, 0x97, 110, 110.0}, {NS_PMBUS_EXTERNAL_TEMP_C, 0x8E, 61, 61.0},
    };
    static const uint32_t kinds[] = {NS_PMBUS_PART_ISL68137, NS_PMBUS_PART_RAA228};
    for (size_t i = 0; i < 2; i++) {
        fake_pmbus_init(&part);
        fake_pmbus_define(&part, 0x20, 1, 0x40); /* direct */
        ns_pmbus_config_t config = config_of(kinds[i], 0);
        config.has_page = 1;
        config.page = 1;
        config.current_limit_a = 200.05;
        open_with(&config);
        CHECK_STATUS(begin(), NS_OK);
        CHECK(part.words[1][0x46] == 2000 && part.words[0][0x10] == 0x40);
        CHECK_VECTORS(vectors);
        fake_pmbus_define(&part, 0x88, 2, 12050); /* the ISL68137 has another step */
        CHECK_NEAR(value_of(NS_PMBUS_INPUT_VOLTAGE_V), i == 0 ? 12.05 : 120.5);
        check_unsupported(NS_PMBUS_ENERGY_J);
    }
}

static void a_lock_that_the_part_does_not_know_is_left_out(void) {
    fake_pmbus_init(&part);
    fake_pmbus_define(&part, 0x20, 1, 0x40);
    part.size[0x10] = 0;
    ns_pmbus_config_t config = config_of(NS_PMBUS_PART_ISL68137, 0);
    config.current_limit_a = 20.0;
    open_with(&config);
    CHECK_STATUS(ns_pmbus_ops.write(&device, NS_PMBUS_ENABLE, 1.0), NS_OK);
    CHECK(part.words[0][0x46] == 200 && part.words[0][0x01] == 0x80);
}

/** A rail that runs on AVSBus is not moved to a VOUT_COMMAND of long ago. */
static void an_output_under_avsbus_is_left_alone(void) {
    fake_pmbus_init(&part);
    fake_pmbus_define(&part, 0x20, 1, 0x40);
    ns_pmbus_config_t config = config_of(NS_PMBUS_PART_ISL68137, 0);
    open_with(&config);
    part.words[0][0x01] = 0xB0;
    CHECK_STATUS(ns_pmbus_ops.write(&device, NS_PMBUS_ENABLE, 1.0), NS_OK);
    CHECK(part.words[0][0x01] == 0xB0);
    CHECK_EXACT(value_of(NS_PMBUS_ENABLE), 1.0);
    part.words[0][0x01] = 0x30; /* off: it comes up at VOUT_COMMAND, not at a stale set-point */
    CHECK_STATUS(ns_pmbus_ops.write(&device, NS_PMBUS_ENABLE, 1.0), NS_OK);
    CHECK(part.words[0][0x01] == 0x80);
    part.words[0][0x01] = 0x90; /* on, but margined: back to nominal */
    CHECK_STATUS(ns_pmbus_ops.write(&device, NS_PMBUS_ENABLE, 1.0), NS_OK);
    CHECK(part.words[0][0x01] == 0x80);
    part.words[0][0x01] = 0xB0;
    CHECK_STATUS(ns_pmbus_ops.write(&device, NS_PMBUS_ENABLE, 0.0), NS_OK);
    CHECK(part.words[0][0x01] == 0x00);
}

static void init_mp2975(uint16_t loop_control) {
    fake_pmbus_init(&part);
    part.size[0x20] = 0;
    part.is_shared[0x59] = true;
    fake_pmbus_define(&part, 0x59, 2, loop_control);
    fake_pmbus_define(&part, 0x0D, 2, 0);
    fake_pmbus_define(&part, 0x1D, 2, 0);
}

static void mp2975_voltage_is_direct_or_vid(void) {
    static const struct {
        uint16_t rail1; /* MFR_VR_MULTI_CONFIG_R1 on page 2 */
        uint8_t vid;    /* configured */
        double value;   /* of 0x52 */
    } tables[] = {{0x2000, 0, 1.01}, {0x0010, 0, 0.655}, {0x0000, 0, 1.31}, {0x2000, 1, 1.1}};
    static const vector_t vectors[] = {
        {NS_PMBUS_VOLTAGE_V, 0x8B, 0x5352, 0.85}, /* bits 11:0 */
        {NS_PMBUS_CURRENT_A, 0x8C, 120, 120.0},
        {NS_PMBUS_CURRENT_A_PEAK, 0x90, 0xE0C8, 50.0}, /* bits 12:0, 0.25 A */
        {NS_PMBUS_INPUT_VOLTAGE_V, 0x88, 0xD300, 12.0},
        {NS_PMBUS_TEMP_C, 0x8D, 45, 45.0},
    };
    ns_pmbus_config_t config = config_of(NS_PMBUS_PART_MP2975, 0);
    config.has_page = 1;
    init_mp2975(0x0000);
    open_with(&config);
    CHECK_STATUS(begin(), NS_OK);
    CHECK_VECTORS(vectors);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        init_mp2975(0x8000);
        part.words[2][0x0D] = tables[i].rail1;
        config.vid = tables[i].vid;
        open_with(&config);
        CHECK_STATUS(begin(), NS_OK);
        CHECK(part.words[0][0x00] == 0); /* back from page 2 */
        part.words[0][0x8B] = 0x52;
        CHECK_NEAR(value_of(NS_PMBUS_VOLTAGE_V), tables[i].value);
    }
    init_mp2975(0x8000);
    part.words[2][0x1D] = 0x1000;
    config.vid = 0;
    config.page = 1; /* rail 2 */
    open_with(&config);
    CHECK_STATUS(begin(), NS_OK);
    part.words[1][0x8B] = 0x52;
    CHECK_NEAR(value_of(NS_PMBUS_VOLTAGE_V), 1.01);
}

static void sequencer_and_managers_are_linear(void) {
    static const vector_t vectors[] = {
        {NS_PMBUS_VOLTAGE_V, 0x8B, 0x2666, 9830.0 / 8192.0},
        {NS_PMBUS_TEMP_C, 0x8D, 0xE320, 50.0},
    };
    static const uint32_t kinds[] = {NS_PMBUS_PART_UCD90XXX, NS_PMBUS_PART_LTC2978,
                                     NS_PMBUS_PART_LTC3887};
    for (size_t i = 0; i < 3; i++) {
        fake_pmbus_init(&part);
        fake_pmbus_define(&part, 0x20, 1, 0x13); /* 2^-13 */
        fake_pmbus_define(&part, 0xE7, 2, 0x0121);
        fake_pmbus_define(&part, 0xEF, 1, 0x60);
        ns_pmbus_config_t config = config_of(kinds[i], 0);
        open_with(&config);
        CHECK_STATUS(begin(), NS_OK);
        CHECK_VECTORS(vectors);
        check_unsupported(NS_PMBUS_ENERGY_J);
        CHECK(fake_pmbus_wrote(&part, 0x10) == (kinds[i] != NS_PMBUS_PART_UCD90XXX));
    }
    ns_pmbus_config_t config = config_of(NS_PMBUS_PART_LTC2978, 0);
    config.current_limit_a = 1.0; /* it measures no current */
    CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_pmbus_ops, &part), NS_E_UNSUPPORTED);
}

static void a_phase_is_selected_and_read_back_in_one_slot(void) {
    fake_pmbus_init(&part);
    part.has_strict_lock = true; /* PHASE does not pass 0x40 */
    fake_pmbus_define(&part, 0x20, 1, 0x40);
    fake_pmbus_define(&part, 0x04, 1, 0xFF);
    ns_pmbus_config_t config = config_of(NS_PMBUS_PART_ISL68137, 0);
    config.has_phase = 1;
    config.phase = 3;
    open_with(&config);
    CHECK_STATUS(begin(), NS_OK);
    CHECK(part.words[0][0x04] == 3 && part.words[0][0x10] == 0x40);
    part.words[0][0x04] = 5; /* another device of this part */
    CHECK_STATUS(begin(), NS_OK);
    CHECK(part.words[0][0x04] == 3 && part.words[0][0x10] == 0x40);
    part.words[0][0x04] = 5;
    part.is_stuck[0x04] = true;
    CHECK_STATUS(begin(), NS_E_PAGE);
    CHECK_STATUS(ns_pmbus_ops.write(&device, NS_PMBUS_ENABLE, 1.0), NS_E_PAGE);
    CHECK(part.words[0][0x10] == 0x40 && part.words[0][0x01] == 0);
}

int main(void) {
    adm1275_is_decoded_by_its_range();
    adm1275_is_made_to_run_and_to_obey();
    a_monitor_that_does_not_take_its_setting_fails();
    adm1272_is_decoded_by_its_ranges();
    lm25066_follows_its_shunt_and_current_limit();
    lm5066_follows_its_shunt_and_current_limit();
    limits_of_a_hot_swap_are_programmed_in_its_own_words();
    renesas_rails_are_paged_direct();
    a_lock_that_the_part_does_not_know_is_left_out();
    an_output_under_avsbus_is_left_alone();
    mp2975_voltage_is_direct_or_vid();
    sequencer_and_managers_are_linear();
    a_phase_is_selected_and_read_back_in_one_slot();
    return 0;
}
