/** @file test_sim_watchdog.c  Armed by opening, kept by kicks, disarmed by magic close. */
#include "check.h"
#include "sim_watchdog.h"

#define S INT64_C(1000000000)

static sim_watchdog_t dog;

static void start(uint32_t timeout_s) {
    sim_watchdog_init(&dog, 120);
    CHECK(sim_watchdog_start(&dog) == NS_OK);
    CHECK(sim_watchdog_set_timeout(&dog, timeout_s) == NS_OK);
}

/* watchdog-api.rst: «when the device is opened, the watchdog is started ... writes ... within a
   certain margin». */
static void it_bites_after_the_time_out_without_a_kick(void) {
    start(10);
    CHECK(!sim_watchdog_advance(&dog, 9 * S));
    CHECK(sim_watchdog_kick(&dog) == NS_OK);
    CHECK(!sim_watchdog_advance(&dog, 18 * S));
    uint8_t byte = 0;
    CHECK(sim_watchdog_write(&dog, &byte, 1) == NS_OK);
    CHECK(!sim_watchdog_advance(&dog, 28 * S - 1));
    CHECK(sim_watchdog_advance(&dog, 28 * S));
    CHECK(sim_watchdog_advance(&dog, 60 * S) && dog.bite_count == 1); /* one bite, held */
}

/* «Magic Close: the driver will not disable the watchdog unless 'V' has been sent just before». */
static void only_the_magic_close_disarms(void) {
    static const struct {
        const char *last;
        bool nowayout;
        bool bites;
    } cases[] = {{"V", false, false},
                 {"V", true, true},
                 {"x", false, true},
                 {"Vx", false, true},
                 {"xV", false, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start(10);
        dog.is_nowayout = cases[i].nowayout;
        for (const char *c = cases[i].last; *c != '\0'; c++) {
            uint8_t byte = (uint8_t)*c;
            CHECK(sim_watchdog_write(&dog, &byte, 1) == NS_OK);
        }
        sim_watchdog_close(&dog);
        CHECK(sim_watchdog_advance(&dog, 11 * S) == cases[i].bites);
    }
}

static void who_comes_back_in_time_finds_it_armed(void) {
    start(10);
    sim_watchdog_close(&dog); /* its holder died */
    CHECK(!sim_watchdog_advance(&dog, 8 * S));
    CHECK(sim_watchdog_start(&dog) == NS_OK);
    CHECK(!sim_watchdog_advance(&dog, 17 * S));
    CHECK(sim_watchdog_advance(&dog, 18 * S));
}

static void status_and_time_out_are_told(void) {
    sim_watchdog_status_t status;
    uint32_t timeout_s = 0;
    sim_watchdog_init(&dog, 120);
    CHECK(sim_watchdog_get_status(&dog, &status) == NS_OK);
    CHECK(!status.is_armed && status.timeout_s == 60 && status.left_s == 0);
    start(10);
    CHECK(sim_watchdog_get_timeout(&dog, &timeout_s) == NS_OK && timeout_s == 10);
    (void)sim_watchdog_advance(&dog, 3 * S);
    CHECK(sim_watchdog_get_status(&dog, &status) == NS_OK);
    CHECK(status.is_armed && status.left_s == 7 && !status.has_bitten && !status.was_reset_by);
    (void)sim_watchdog_advance(&dog, 10 * S);
    CHECK(sim_watchdog_get_status(&dog, &status) == NS_OK && status.has_bitten);
    sim_watchdog_reset(&dog);
    CHECK(sim_watchdog_get_status(&dog, &status) == NS_OK);
    CHECK(status.was_reset_by && !status.is_armed && !status.has_bitten);
    sim_watchdog_reset(&dog);
    CHECK(sim_watchdog_get_status(&dog, &status) == NS_OK && !status.was_reset_by);
    sim_watchdog_init(&dog, 30);
    CHECK(dog.timeout_s == 30);
    sim_watchdog_reset(&dog);
    CHECK(dog.timeout_s == 30);
}

static void wrong_calls_are_refused(void) {
    uint32_t timeout_s = 0;
    uint8_t byte = 0;
    sim_watchdog_init(&dog, 120);
    CHECK(sim_watchdog_kick(&dog) == NS_E_ARG);
    CHECK(sim_watchdog_write(&dog, &byte, 1) == NS_E_ARG);
    CHECK(sim_watchdog_set_timeout(&dog, 5) == NS_E_ARG);
    CHECK(sim_watchdog_get_timeout(&dog, &timeout_s) == NS_E_ARG);
    CHECK(sim_watchdog_get_timeout(&dog, NULL) == NS_E_ARG);
    CHECK(sim_watchdog_get_status(&dog, NULL) == NS_E_ARG);
    start(10);
    CHECK(sim_watchdog_start(&dog) == NS_E_BUSY);
    CHECK(sim_watchdog_write(&dog, NULL, 1) == NS_E_ARG);
    CHECK(sim_watchdog_write(&dog, NULL, 0) == NS_OK);
    CHECK(sim_watchdog_set_timeout(&dog, 0) == NS_E_RANGE);
    CHECK(sim_watchdog_set_timeout(&dog, 121) == NS_E_RANGE);
    CHECK(sim_watchdog_get_timeout(&dog, &timeout_s) == NS_OK && timeout_s == 10);
}

static void a_dead_line_answers_nothing_and_bites_all_the_same(void) {
    sim_watchdog_status_t status;
    start(10);
    dog.is_dead = true;
    CHECK(sim_watchdog_kick(&dog) == NS_E_IO && sim_watchdog_start(&dog) == NS_E_IO);
    CHECK(sim_watchdog_get_status(&dog, &status) == NS_E_IO);
    CHECK(sim_watchdog_advance(&dog, 10 * S));
}

int main(void) {
    it_bites_after_the_time_out_without_a_kick();
    only_the_magic_close_disarms();
    who_comes_back_in_time_finds_it_armed();
    status_and_time_out_are_told();
    wrong_calls_are_refused();
    a_dead_line_answers_nothing_and_bites_all_the_same();
    return 0;
}
