#include "test_image_fixture.h"

static ns_status_t created_from(const ns_image_config_t *config) {
    ns_image_t image;
    return ns_image_create(memory, sizeof memory, config, &image);
}

#define REFUSED(row, field, wrong)                                                                 \
    do {                                                                                           \
        ns_image_config_t config_ = config_of_fixture();                                           \
        (row).field = (wrong);                                                                     \
        CHECK_STATUS(created_from(&config_), NS_E_ARG);                                            \
    } while (0)

static void a_point_that_cannot_be_is_refused(void) {
    double not_a_number = (double)NAN;
    REFUSED(points[0], name[0], '\0');
    REFUSED(points[0], driver, 3U);
    REFUSED(points[0], driver, 1U); /* then point 1 is out of order */
    REFUSED(points[3], device, 1U);
    REFUSED(points[0], period_ns, 0);
    REFUSED(points[0], phase_ns, -1);
    REFUSED(points[0], phase_ns, 10);
    REFUSED(points[0], lease_ns, -1);
    REFUSED(points[0], is_writable, 2U);
    REFUSED(points[3], low, 2.0);
    REFUSED(points[3], low, not_a_number);
    REFUSED(points[3], high, not_a_number);
    REFUSED(points[3], tolerance, -1.0);
    REFUSED(points[3], ramp_per_s, -1.0);
    REFUSED(points[3], ramp_per_s, HUGE_VAL);
    REFUSED(points[3], abandon_ns, -1);
    ns_image_config_t config = config_of_fixture();
    points[0].phase_ns = 9;
    CHECK_STATUS(created_from(&config), NS_OK);
    memset(points[2].name, 'x', sizeof points[2].name);
    CHECK_STATUS(created_from(&config), NS_E_ARG);
}

static void what_is_applied_without_a_daemon_is_inside_the_limits(void) {
    ns_image_config_t config = config_of_fixture();
    points[1].lease_ns = 5;
    points[1].safe = 2.0;
    CHECK_STATUS(created_from(&config), NS_E_ARG);
    points[1].safe = -1.0;
    CHECK_STATUS(created_from(&config), NS_E_ARG);
    points[1].safe = (double)NAN; /* a lapse keeps what is applied */
    CHECK_STATUS(created_from(&config), NS_OK);
    points[1].safe = 1.0;
    CHECK_STATUS(created_from(&config), NS_OK);
    points[1].abandon_ns = 5;
    points[1].abandon_value = 2.0;
    CHECK_STATUS(created_from(&config), NS_E_ARG);
    points[1].abandon_value = -2.0;
    CHECK_STATUS(created_from(&config), NS_E_ARG);
    points[1].abandon_value = 0.0;
    CHECK_STATUS(created_from(&config), NS_OK);
}

static void a_reflex_that_cannot_act_is_refused(void) {
    REFUSED(reflexes[0], point, POINT_COUNT);
    REFUSED(reflexes[0], action_point, POINT_COUNT);
    REFUSED(reflexes[0], action_point, 0U); /* not writable */
    REFUSED(reflexes[0], comparison, 2U);
    REFUSED(reflexes[0], reserved, 1U);
    REFUSED(reflexes[0], persistence_ns, -1);
    REFUSED(reflexes[0], max_age_ns, -1);
    REFUSED(reflexes[0], max_age_ns, 0); /* a sample of another driver would never be too old */
    REFUSED(reflexes[0], threshold, (double)NAN);
    REFUSED(reflexes[0], threshold, HUGE_VAL);
    REFUSED(reflexes[0], action_value, (double)NAN);
    REFUSED(reflexes[0], action_value, 1.5);
    REFUSED(reflexes[0], action_value, -0.5);
    ns_image_config_t config = config_of_fixture();
    points[1].high = HUGE_VAL;
    reflexes[0].action_value = HUGE_VAL;
    CHECK_STATUS(created_from(&config), NS_E_ARG);
    config = config_of_fixture();
    reflexes[0].point = 0; /* of the same driver: its age does not matter */
    reflexes[0].max_age_ns = 0;
    reflexes[0].comparison = NS_BELOW;
    CHECK_STATUS(created_from(&config), NS_OK);
}

static void rules_of_one_point_want_the_same_of_it(void) {
    ns_image_config_t config = config_of_fixture();
    points[0].is_writable = 1;
    ns_reflex_t rules[3];
    for (uint32_t i = 0; i < 3; i++) {
        rules[i] = reflexes[0];
        rules[i].threshold = i;
    }
    rules[1].action_point = 0;
    rules[1].action_value = 0.25; /* of another point */
    config.reflexes = rules;
    config.reflex_count = 3;
    CHECK_STATUS(created_from(&config), NS_OK);
    rules[2].action_value = 0.25;
    CHECK_STATUS(created_from(&config), NS_E_ARG);
    rules[2].action_value = 0.75;
    CHECK_STATUS(created_from(&config), NS_E_ARG);
    rules[2].action_point = 3;
    CHECK_STATUS(created_from(&config), NS_OK);
}

static void reflexes_stand_in_the_order_of_their_drivers(void) {
    ns_image_config_t config = config_of_fixture();
    ns_reflex_t rules[3];
    for (uint32_t i = 0; i < 3; i++) {
        rules[i] = reflexes[0];
        rules[i].action_point = i < 2 ? 1 : 3;
        rules[i].threshold = i;
    }
    config.reflexes = rules;
    config.reflex_count = 3;
    ns_image_t image;
    CHECK_STATUS(ns_image_create(memory, sizeof memory, &config, &image), NS_OK);
    CHECK(image.drivers[0].first_reflex == 0 && image.drivers[0].reflex_count == 2);
    CHECK(image.drivers[1].first_reflex == 2 && image.drivers[1].reflex_count == 1);
    CHECK(image.drivers[2].first_reflex == 3 && image.drivers[2].reflex_count == 0);
    CHECK_EXACT(image.reflexes[2].threshold, 2.0);
    rules[1].action_point = 3;
    rules[2].action_point = 1;
    CHECK_STATUS(created_from(&config), NS_E_ARG);
}

static void a_driver_that_cannot_be_is_refused(void) {
    ns_driver_entry_t rows[DRIVER_COUNT];
    ns_image_config_t config = config_of_fixture();
    config.drivers = rows;
#define DRIVER_REFUSED(field, wrong)                                                               \
    do {                                                                                           \
        memcpy(rows, drivers, sizeof rows);                                                        \
        rows[2].field = (wrong);                                                                   \
        CHECK_STATUS(created_from(&config), NS_E_ARG);                                             \
    } while (0)
    DRIVER_REFUSED(name[0], '\0');
    DRIVER_REFUSED(reserved, 1U);
    DRIVER_REFUSED(deadline_ns, -1);
    DRIVER_REFUSED(backoff_max_ns, -1);
    DRIVER_REFUSED(retry_count, NS_RETRIES_MAX + 1U);
    rows[2].retry_count = NS_RETRIES_MAX;
    CHECK_STATUS(created_from(&config), NS_OK);
    memset(rows[2].name, 'x', sizeof rows[2].name);
    CHECK_STATUS(created_from(&config), NS_E_ARG);
}

/** A driver is adopted by its hash: what concerns it is in, its place in the image is not. */
static void the_hash_of_a_driver_is_that_of_its_own_rows(void) {
    ns_driver_entry_t rows[DRIVER_COUNT];
    memcpy(rows, drivers, sizeof rows);
    ns_image_config_t config = config_of_fixture();
    config.drivers = rows;
    ns_image_t image;
    CHECK_STATUS(ns_image_create(memory, sizeof memory, &config, &image), NS_OK);
    uint64_t before[2] = {image.drivers[0].config_hash, image.drivers[1].config_hash};
    rows[0].first_point = 77; /* not the caller's: not read */
    rows[0].config_hash = 77;
    rows[1].retry_count = 2;
    CHECK_STATUS(ns_image_create(memory, sizeof memory, &config, &image), NS_OK);
    CHECK(image.drivers[0].config_hash == before[0] && image.drivers[0].first_point == 0);
    CHECK(image.drivers[1].config_hash != before[1]);
    rows[1].retry_count = 0;
    reflexes[0].threshold = 6.0;
    CHECK_STATUS(ns_image_create(memory, sizeof memory, &config, &image), NS_OK);
    CHECK(image.drivers[0].config_hash != before[0] && image.drivers[1].config_hash == before[1]);
    reflexes[0].threshold = 5.0;
    points[3].high = 2.0;
    CHECK_STATUS(ns_image_create(memory, sizeof memory, &config, &image), NS_OK);
    CHECK(image.drivers[0].config_hash == before[0] && image.drivers[1].config_hash != before[1]);
}

static void counts_have_their_limits(void) {
    ns_image_config_t config = config_of_fixture();
    size_t size = ns_image_size(&config);
    CHECK(size > 0 && size % PAGE == 0);
    CHECK(ns_image_size(NULL) == 0);
#define NO_SIZE(field, wrong)                                                                      \
    do {                                                                                           \
        config = config_of_fixture();                                                              \
        config.field = (wrong);                                                                    \
        CHECK(ns_image_size(&config) == 0);                                                        \
        CHECK_STATUS(created_from(&config), NS_E_ARG);                                             \
    } while (0)
    NO_SIZE(points, NULL);
    NO_SIZE(drivers, NULL);
    NO_SIZE(reflexes, NULL);
    NO_SIZE(point_count, 0U);
    NO_SIZE(point_count, NS_IMAGE_POINTS_MAX + 1U);
    NO_SIZE(driver_count, 0U);
    NO_SIZE(driver_count, NS_IMAGE_DRIVERS_MAX + 1U);
    NO_SIZE(reflex_count, NS_IMAGE_REFLEXES_MAX + 1U);
    NO_SIZE(request_capacity, 1U);
    NO_SIZE(request_capacity, 3U);
    NO_SIZE(request_capacity, 2U * NS_REQUEST_CAPACITY_MAX);
    NO_SIZE(evidence_per_cause, 1U);
    NO_SIZE(evidence_per_cause, 3U);
    NO_SIZE(evidence_per_cause, NS_EVIDENCE_PER_CAUSE_MAX + 2U);
    NO_SIZE(reserved, 1U);
    config = config_of_fixture();
    config.request_capacity = 0;
    config.evidence_per_cause = 0;
    size_t of_defaults = ns_image_size(&config);
    config.request_capacity = NS_REQUEST_CAPACITY_DEFAULT;
    config.evidence_per_cause = NS_EVIDENCE_PER_CAUSE_DEFAULT;
    CHECK(of_defaults > size && ns_image_size(&config) == of_defaults);
}

static void creating_checks_its_memory(void) {
    ns_image_config_t config = config_of_fixture();
    ns_image_t image;
    size_t size = ns_image_size(&config);
    CHECK_STATUS(ns_image_create(NULL, size, &config, &image), NS_E_ARG);
    CHECK_STATUS(ns_image_create(memory + 4, size, &config, &image), NS_E_ARG);
    CHECK_STATUS(ns_image_create(memory, size, NULL, &image), NS_E_ARG);
    CHECK_STATUS(ns_image_create(memory, size, &config, NULL), NS_E_ARG);
    CHECK_STATUS(ns_image_create(memory, size - 1, &config, &image), NS_E_FULL);
    CHECK_STATUS(ns_image_create(memory, size, &config, &image), NS_OK);
}

static void another_process_attaches(void) {
    ns_image_t image = create();
    ns_image_t other;
    CHECK_STATUS(ns_image_attach(memory, sizeof memory, &other), NS_OK);
    CHECK(memcmp(&image, &other, sizeof image) == 0);
    CHECK_STATUS(ns_image_attach(memory, 100, &other), NS_E_LAYOUT);
    CHECK_STATUS(ns_image_attach(memory, PAGE, &other), NS_E_LAYOUT);
    CHECK_STATUS(ns_image_attach(memory + 8, sizeof memory - 8, &other), NS_E_ARG);
    CHECK_STATUS(ns_image_attach(NULL, sizeof memory, &other), NS_E_ARG);
    CHECK_STATUS(ns_image_attach(memory, sizeof memory, NULL), NS_E_ARG);
}

/** Each bit of the header's fixed fields and of the tables; words that change in service are not
 *  the attacher's business. */
static void a_spoilt_bit_of_the_layout_is_noticed(void) {
    ns_image_t image = create();
    ns_image_t other;
    size_t tables = (size_t)((const unsigned char *)image.drivers - memory);
    size_t end = (size_t)((const unsigned char *)&image.reflexes[1] - memory);
    for (size_t i = 0; i < end; i++) {
        bool is_header = i < 16 || (i >= 32 && i < 64);
        for (unsigned bit = 0; bit < 8 && (is_header || i >= tables); bit++) {
            memory[i] ^= (unsigned char)(1U << bit);
            CHECK_STATUS(ns_image_attach(memory, sizeof memory, &other), NS_E_LAYOUT);
            memory[i] ^= (unsigned char)(1U << bit);
        }
    }
    CHECK_STATUS(ns_image_attach(memory, sizeof memory, &other), NS_OK);
}

int main(void) {
    a_point_that_cannot_be_is_refused();
    what_is_applied_without_a_daemon_is_inside_the_limits();
    a_reflex_that_cannot_act_is_refused();
    rules_of_one_point_want_the_same_of_it();
    reflexes_stand_in_the_order_of_their_drivers();
    a_driver_that_cannot_be_is_refused();
    the_hash_of_a_driver_is_that_of_its_own_rows();
    counts_have_their_limits();
    creating_checks_its_memory();
    another_process_attaches();
    a_spoilt_bit_of_the_layout_is_noticed();
    return 0;
}
