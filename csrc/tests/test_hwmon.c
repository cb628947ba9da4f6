#include "nightside/hwmon.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

#define S 1000000000LL

enum { TEMP, VOLTAGE, PWM, MISSING };

static char root[] = "/tmp/nightside-hwmon-XXXXXX";
static ns_hwmon_t device;
static int64_t now_ns;

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk) {
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

static void remove_tree(const char *path) {
    (void)nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(int number, const char *file, const char *text) {
    char path[160];
    (void)snprintf(path, sizeof path, "%s/hwmon%d/%s", root, number, file);
    FILE *stream = fopen(path, "w");
    CHECK(stream != NULL);
    (void)fputs(text, stream);
    CHECK(fclose(stream) == 0);
}

static void get(int number, const char *file, char *out, size_t capacity) {
    char path[160];
    (void)snprintf(path, sizeof path, "%s/hwmon%d/%s", root, number, file);
    FILE *stream = fopen(path, "r");
    CHECK(stream != NULL);
    size_t size = fread(out, 1, capacity - 1, stream);
    out[size] = '\0';
    CHECK(fclose(stream) == 0);
}

/** One chip as sysfs shows it. */
static void add_chip(int number, const char *name, const char *pci_address) {
    char path[160];
    char target[96];
    (void)snprintf(path, sizeof path, "%s/hwmon%d", root, number);
    CHECK(mkdir(path, 0700) == 0);
    put(number, "name", name);
    (void)snprintf(path, sizeof path, "%s/hwmon%d/device", root, number);
    (void)snprintf(target, sizeof target, "../../../%s", pci_address);
    CHECK(symlink(target, path) == 0);
    put(number, "temp1_input", "42500\n");
    put(number, "in1_input", "-1200\n");
    put(number, "pwm1", "128\n");
}

static void remove_chip(int number) {
    char path[160];
    (void)snprintf(path, sizeof path, "%s/hwmon%d", root, number);
    remove_tree(path);
}

static ns_hwmon_config_t config_of(const char *name, const char *pci_address) {
    ns_hwmon_config_t config = {
        .attribute_count = 4,
        .attributes = {{.name = "temp1_input", .scale = 1e-3},
                       {.name = "in1_input", .scale = 1e-3},
                       {.name = "pwm1", .scale = 1.0, .is_writable = 1},
                       {.name = "temp9_input", .scale = 1e-3}},
    };
    (void)snprintf(config.root, sizeof config.root, "%s", root);
    (void)snprintf(config.name, sizeof config.name, "%s", name);
    (void)snprintf(config.device, sizeof config.device, "%s", pci_address);
    return config;
}

static void open_device(const char *name, const char *pci_address) {
    ns_hwmon_config_t config = config_of(name, pci_address);
    CHECK_STATUS(ns_hwmon_open(&device, &config), NS_OK);
    now_ns = 0;
}

static ns_status_t begin_later(int64_t step_ns) {
    now_ns += step_ns;
    return ns_hwmon_ops.begin(&device, now_ns, UINT64_MAX);
}

static double value_of(uint32_t channel) {
    double value = -1e9;
    CHECK_STATUS(ns_hwmon_ops.read(&device, channel, &value), NS_OK);
    return value;
}

static ns_status_t read_status(uint32_t channel) {
    double value = 7.0;
    ns_status_t status = ns_hwmon_ops.read(&device, channel, &value);
    CHECK(status == NS_OK || (value >= 7.0 && value <= 7.0));
    return status;
}

static void close_all(void) {
    ns_hwmon_ops.close(&device);
    for (int number = 0; number < 20; number++) {
        remove_chip(number);
    }
}

static void a_chip_is_found_by_name_and_device_and_read_in_its_units(void) {
    add_chip(0, "nvme\n", "0000:40:00.0");
    add_chip(3, "nvme\n", "0000:41:00.0");
    put(3, "temp1_input", "51250\n");
    open_device("nvme", "0000:41:00.0");
    CHECK_STATUS(begin_later(0), NS_OK);
    CHECK_NEAR(value_of(TEMP), 51.25);
    CHECK_NEAR(value_of(VOLTAGE), -1.2);
    put(3, "temp1_input", "0\n"); /* the same file: what is kept is a descriptor, not a value */
    CHECK_NEAR(value_of(TEMP), 0.0);
    CHECK_STATUS(read_status(MISSING), NS_E_UNSUPPORTED);
    CHECK_STATUS(read_status(4), NS_E_ARG);
    close_all();
}

static void a_chip_that_comes_back_with_another_number_is_found_again(void) {
    add_chip(2, "nvme\n", "0000:41:00.0");
    open_device("nvme", "0000:41:00.0");
    CHECK_STATUS(begin_later(0), NS_OK);
    remove_chip(2);
    CHECK_STATUS(begin_later(S), NS_E_ABSENT);
    CHECK_STATUS(read_status(TEMP), NS_E_ABSENT);
    CHECK_STATUS(ns_hwmon_ops.write(&device, PWM, 1.0), NS_E_ABSENT);
    add_chip(2, "nvme\n", "0000:40:00.0"); /* another one has taken its number */
    add_chip(7, "nvme\n", "0000:41:00.0");
    put(7, "temp1_input", "60000\n");
    CHECK_STATUS(begin_later(S / 2), NS_E_ABSENT); /* looked for once a second */
    CHECK_STATUS(begin_later(S / 2), NS_OK);
    CHECK_NEAR(value_of(TEMP), 60.0);
    close_all();
}

static void two_chips_of_one_name_want_a_device(void) {
    add_chip(0, "nvme\n", "0000:40:00.0");
    open_device("nvme", "");
    CHECK_STATUS(begin_later(0), NS_OK);
    ns_hwmon_ops.close(&device);
    add_chip(1, "nvme\n", "0000:41:00.0");
    open_device("nvme", "");
    CHECK_STATUS(begin_later(0), NS_E_REFUSED);
    CHECK_STATUS(read_status(TEMP), NS_E_ABSENT);
    close_all();
}

static void nothing_that_is_not_the_chip_is_taken_for_it(void) {
    char path[160];
    add_chip(0, "nvme2\n", "0000:41:00.0");
    add_chip(1, "nvme\n", "1000:41:00.0");
    (void)snprintf(path, sizeof path, "%s/hwmon4", root);
    CHECK(mkdir(path, 0700) == 0); /* a folder without a name */
    open_device("nvme", "0000:41:00.0");
    CHECK_STATUS(begin_later(0), NS_E_ABSENT);
    ns_hwmon_config_t config = config_of("nvme", "");
    (void)snprintf(config.root, sizeof config.root, "%s/none", root);
    CHECK_STATUS(ns_hwmon_open(&device, &config), NS_OK);
    CHECK_STATUS(begin_later(S), NS_E_ABSENT);
    close_all();
}

static void what_is_no_integer_is_no_value(void) {
    static const char *const wrong[] = {"",
                                        "\n",
                                        "-",
                                        "-\n",
                                        "12.5\n",
                                        "0x10\n",
                                        "nan\n",
                                        "12 3",
                                        "12\n3",
                                        " 12",
                                        "+12",
                                        "99999999999999999999\n",
                                        "1111111111111111111111111111111111111111111111\n"};
    static const char *const right[] = {"12", "12\n", "-0\n", "9007199254740992\n"};
    add_chip(0, "nvme\n", "0000:41:00.0");
    open_device("nvme", "");
    CHECK_STATUS(begin_later(0), NS_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        put(0, "temp1_input", wrong[i]);
        CHECK_STATUS(read_status(TEMP), NS_E_RANGE);
    }
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        put(0, "temp1_input", right[i]);
        CHECK_STATUS(read_status(TEMP), NS_OK);
    }
    close_all();
}

static void a_write_is_a_whole_number_of_the_files_unit(void) {
    char text[16];
    add_chip(0, "nvme\n", "0000:41:00.0");
    open_device("nvme", "");
    CHECK_STATUS(begin_later(0), NS_OK);
    CHECK_STATUS(ns_hwmon_ops.write(&device, PWM, 199.6), NS_OK);
    get(0, "pwm1", text, sizeof text);
    CHECK(strcmp(text, "200\n") == 0);
    CHECK_STATUS(ns_hwmon_ops.write(&device, TEMP, 1.0), NS_E_UNSUPPORTED);
    CHECK_STATUS(ns_hwmon_ops.write(&device, 4, 1.0), NS_E_ARG);
    CHECK_STATUS(ns_hwmon_ops.write(&device, PWM, (double)NAN), NS_E_RANGE);
    CHECK_STATUS(ns_hwmon_ops.write(&device, PWM, 1e30), NS_E_RANGE);
    close_all();
}

/** A link that leads out of the tree is no attribute. */
static void no_path_leaves_the_chip(void) {
    char path[160];
    add_chip(0, "nvme\n", "0000:41:00.0");
    (void)snprintf(path, sizeof path, "%s/hwmon0/temp1_input", root);
    CHECK(unlink(path) == 0 && symlink("/proc/uptime", path) == 0);
    open_device("nvme", "");
    CHECK_STATUS(begin_later(0), NS_OK);
    CHECK_STATUS(read_status(TEMP), NS_E_UNSUPPORTED);
    close_all();
    static const char *const bad[] = {"", "../x", "a/b", ".", ".hidden"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ns_hwmon_config_t config = config_of("nvme", "");
        (void)snprintf(config.attributes[1].name, sizeof config.attributes[1].name, "%s", bad[i]);
        CHECK_STATUS(ns_hwmon_open(&device, &config), NS_E_ARG);
        config = config_of(bad[i], "");
        CHECK_STATUS(ns_hwmon_open(&device, &config), NS_E_ARG);
    }
}

static void what_cannot_be_is_refused_at_opening(void) {
    ns_hwmon_config_t good = config_of("nvme", "");
    CHECK_STATUS(ns_hwmon_open(&device, &good), NS_OK);
    CHECK_STATUS(ns_hwmon_open(NULL, &good), NS_E_ARG);
    CHECK_STATUS(ns_hwmon_open(&device, NULL), NS_E_ARG);
    ns_hwmon_config_t bad = good;
    bad.attribute_count = 0;
    CHECK_STATUS(ns_hwmon_open(&device, &bad), NS_E_ARG);
    bad.attribute_count = NS_HWMON_ATTRIBUTES_MAX + 1;
    CHECK_STATUS(ns_hwmon_open(&device, &bad), NS_E_ARG);
    bad = good;
    memset(bad.root, '/', sizeof bad.root);
    CHECK_STATUS(ns_hwmon_open(&device, &bad), NS_E_ARG);
    (void)snprintf(bad.root, sizeof bad.root, "relative");
    CHECK_STATUS(ns_hwmon_open(&device, &bad), NS_E_ARG);
    bad = config_of("nvme", "a/b");
    CHECK_STATUS(ns_hwmon_open(&device, &bad), NS_E_ARG);
    static const double scales[] = {0.0, -1.0, (double)NAN, (double)INFINITY};
    for (size_t i = 0; i < 4; i++) {
        bad = good;
        bad.attributes[0].scale = scales[i];
        CHECK_STATUS(ns_hwmon_open(&device, &bad), NS_E_ARG);
    }
    bad = good;
    bad.attributes[0].is_writable = 2;
    CHECK_STATUS(ns_hwmon_open(&device, &bad), NS_E_ARG);
}

int main(void) {
    CHECK(mkdtemp(root) != NULL);
    a_chip_is_found_by_name_and_device_and_read_in_its_units();
    a_chip_that_comes_back_with_another_number_is_found_again();
    two_chips_of_one_name_want_a_device();
    nothing_that_is_not_the_chip_is_taken_for_it();
    what_is_no_integer_is_no_value();
    a_write_is_a_whole_number_of_the_files_unit();
    no_path_leaves_the_chip();
    what_cannot_be_is_refused_at_opening();
    remove_tree(root);
    return 0;
}
