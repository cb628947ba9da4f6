#include "nightside/i2c_dev.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

/* The kernel's ABI; the headers carry the syscall note. */
#include <linux/i2c-dev.h>
#include <linux/i2c.h>

#include "errno_map.h"
#include "system.h"

#define TICK_US 10000U /* linux/i2c-dev.h: I2C_TIMEOUT is in units of 10 ms */
#define TIMEOUT_US_MAX 10000000U
/* UM10204 (I2C specification), table of reserved addresses: 0x00 .. 0x07 and 0x78 .. 0x7F. */
#define ADDRESS_MIN 0x08U
#define ADDRESS_MAX 0x77U
/* UM10204, 3.1.16 Bus clear: nine clocks free any device from the byte it is in. */
#define CLEAR_CLOCKS 9
#define HALF_CLOCK_NS 5000          /* 100 kHz */
#define CLOCK_HIGH_WAIT_NS 35000000 /* SMBus 3.0, table 2: t_TIMEOUT at most 35 ms */
#define CLOCK_HIGH_POLL_NS 100000

static const ns_system_t *system_of(const ns_i2c_dev_t *self) {
    return self->system;
}

static int set_number(const ns_i2c_dev_t *self, unsigned long request, uintptr_t number) {
    return system_of(self)->ioctl(self->fd, request, (void *)number);
}

/** Program the adapter when its time-out is another: it belongs to the adapter, not to a call. */
static ns_status_t set_timeout(ns_i2c_dev_t *self, uint32_t timeout_us) {
    uint32_t ticks = (timeout_us - 1) / TICK_US + 1;
    if (ticks == self->timeout_ticks) {
        return NS_OK;
    }
    if (set_number(self, I2C_TIMEOUT, ticks) != 0) {
        return ns_errno_in_transfer(errno);
    }
    self->timeout_ticks = ticks;
    return NS_OK;
}

ns_status_t ns_i2c_dev_claim(ns_i2c_dev_t *self, uint8_t address) {
    if (self == NULL || self->is_open == 0 || address < ADDRESS_MIN || address > ADDRESS_MAX) {
        return NS_E_ARG;
    }
    uint8_t bit = (uint8_t)(1U << (address % 8U));
    if ((self->claimed[address / 8U] & bit) != 0) {
        return NS_OK;
    }
    /* I2C_SLAVE answers EBUSY when a driver is bound. I2C_RDWR does not ask: hence this first. */
    if (set_number(self, I2C_SLAVE, address) != 0) {
        return ns_errno_at_open(errno);
    }
    self->claimed[address / 8U] |= bit;
    return NS_OK;
}

/** Run one I2C_RDWR; a message without bytes is left out. */
static ns_status_t run_messages(const ns_i2c_dev_t *self, uint8_t address, uint8_t *write,
                                size_t write_size, uint8_t *read, size_t read_size) {
    struct i2c_msg messages[2];
    uint32_t count = 0;
    if (write_size > 0) {
        messages[count++] = (struct i2c_msg){
            .addr = address, .flags = 0, .len = (uint16_t)write_size, .buf = write};
    }
    if (read_size > 0) {
        messages[count++] = (struct i2c_msg){
            .addr = address, .flags = I2C_M_RD, .len = (uint16_t)read_size, .buf = read};
    }
    struct i2c_rdwr_ioctl_data data = {.msgs = messages, .nmsgs = count};
    int done = system_of(self)->ioctl(self->fd, I2C_RDWR, &data);
    if (done < 0) {
        return ns_errno_in_transfer(errno);
    }
    return (uint32_t)done == count ? NS_OK : NS_E_IO;
}

static ns_status_t transfer(void *ctx, uint8_t address, const uint8_t *write, size_t write_size,
                            uint8_t *read, size_t read_size, uint32_t timeout_us) {
    ns_i2c_dev_t *self = ctx;
    if ((write == NULL && write_size > 0) || (read == NULL && read_size > 0) ||
        write_size + read_size == 0 || write_size > NS_I2C_DEV_MESSAGE_MAX ||
        read_size > NS_I2C_DEV_MESSAGE_MAX) {
        return NS_E_ARG;
    }
    ns_status_t status = ns_i2c_dev_claim(self, address);
    if (status != NS_OK) {
        return status;
    }
    if (timeout_us == 0) {
        return NS_E_TIMEOUT;
    }
    status = set_timeout(self, timeout_us < TIMEOUT_US_MAX ? timeout_us : TIMEOUT_US_MAX);
    if (status != NS_OK) {
        return status;
    }
    /* Copies: the kernel wants a writable pointer, and a failed read may have written a part. */
    uint8_t out[NS_I2C_DEV_MESSAGE_MAX];
    uint8_t in[NS_I2C_DEV_MESSAGE_MAX] = {0};
    if (write_size > 0) {
        memcpy(out, write, write_size);
    }
    status = run_messages(self, address, out, write_size, in, read_size);
    if (status == NS_OK && read_size > 0) {
        memcpy(read, in, read_size);
    }
    return status;
}

/** The two lines while they are GPIO. */
typedef struct bus_lines {
    const ns_system_t *system;
    ns_gpio_t scl;
    ns_gpio_t sda;
} bus_lines_t;

static ns_status_t open_line(const ns_system_t *system, ns_gpio_t *line, const char *chip_path,
                             uint32_t offset) {
    const ns_gpio_line_t wanted = {
        .offset = offset, .flags = NS_GPIO_OUTPUT | NS_GPIO_OPEN_DRAIN, .is_active = 1};
    const ns_gpio_config_t config = {.chip_path = chip_path, .lines = &wanted, .line_count = 1};
    return ns_gpio_open_on(system, line, &config);
}

/** Drive a line and give it half a clock to settle. */
static ns_status_t drive(const bus_lines_t *lines, ns_gpio_t *line, bool is_high) {
    ns_status_t status = ns_gpio_write(line, 0, is_high);
    lines->system->sleep_ns(HALF_CLOCK_NS);
    return status;
}

/** Let SCL go; a device may stretch it for a while. */
static ns_status_t release_clock(bus_lines_t *lines, int64_t deadline_ns) {
    ns_status_t status = drive(lines, &lines->scl, true);
    uint32_t is_high = 0;
    while (status == NS_OK) { /* ends at the deadline */
        status = ns_gpio_read(&lines->scl, &is_high);
        if (status != NS_OK || is_high != 0) {
            return status;
        }
        if (lines->system->now_ns() >= deadline_ns) {
            return NS_E_TIMEOUT;
        }
        lines->system->sleep_ns(CLOCK_HIGH_POLL_NS);
    }
    return status;
}

/** SDA rises while SCL is high: whatever a device was in the middle of, it is over. */
static ns_status_t send_stop(bus_lines_t *lines, int64_t deadline_ns) {
    ns_status_t status = drive(lines, &lines->scl, false);
    status = status == NS_OK ? drive(lines, &lines->sda, false) : status;
    status = status == NS_OK ? release_clock(lines, deadline_ns) : status;
    return status == NS_OK ? drive(lines, &lines->sda, true) : status;
}

static ns_status_t clear_bus(bus_lines_t *lines) {
    int64_t deadline_ns = lines->system->now_ns() + CLOCK_HIGH_WAIT_NS;
    ns_status_t status = release_clock(lines, deadline_ns);
    uint32_t sda_is_high = 0;
    status = status == NS_OK ? ns_gpio_read(&lines->sda, &sda_is_high) : status;
    for (int i = 0; i < CLEAR_CLOCKS && status == NS_OK && sda_is_high == 0; i++) {
        status = drive(lines, &lines->scl, false);
        status = status == NS_OK ? release_clock(lines, deadline_ns) : status;
        status = status == NS_OK ? ns_gpio_read(&lines->sda, &sda_is_high) : status;
    }
    status = status == NS_OK ? send_stop(lines, deadline_ns) : status;
    status = status == NS_OK ? ns_gpio_read(&lines->sda, &sda_is_high) : status;
    return status == NS_OK && sda_is_high == 0 ? NS_E_TIMEOUT : status;
}

static ns_status_t recover(void *ctx) {
    const ns_i2c_dev_t *self = ctx;
    if (self == NULL || self->is_open == 0) {
        return NS_E_ARG;
    }
    const ns_i2c_dev_config_t *config = &self->config;
    if (config->scl_chip_path == NULL) {
        return NS_E_UNSUPPORTED;
    }
    bus_lines_t lines = {.system = self->system};
    ns_status_t status =
        open_line(lines.system, &lines.scl, config->scl_chip_path, config->scl_offset);
    if (status != NS_OK) {
        return status;
    }
    status = open_line(lines.system, &lines.sda, config->sda_chip_path, config->sda_offset);
    if (status == NS_OK) {
        status = clear_bus(&lines);
        ns_gpio_close(&lines.sda);
    }
    ns_gpio_close(&lines.scl);
    return status;
}

static int64_t now_ns(void *ctx) {
    return system_of(ctx)->now_ns();
}

static void delay(void *ctx, uint32_t us) {
    system_of(ctx)->sleep_ns((int64_t)us * 1000);
}

static void close_bus(void *ctx) {
    ns_i2c_dev_t *self = ctx;
    if (self->is_open != 0) {
        (void)system_of(self)->close(self->fd); /* the lock goes with it */
        self->is_open = 0;
    }
}

const ns_bus_ops_t ns_i2c_dev_ops = {
    .abi = NS_BUS_OPS_ABI,
    .transfer = transfer,
    .exchange = NULL,
    .now_ns = now_ns,
    .delay = delay,
    .recover = recover,
    .close = close_bus,
};

static ns_status_t prepare(ns_i2c_dev_t *self) {
    const ns_system_t *system = self->system;
    unsigned long functions = 0;
    if (system->lock(self->fd) != 0 || system->ioctl(self->fd, I2C_FUNCS, &functions) != 0) {
        return ns_errno_at_open(errno);
    }
    if ((functions & I2C_FUNC_I2C) == 0) {
        return NS_E_UNSUPPORTED;
    }
    /* The engine repeats by its own policy, within its own deadline: the kernel must not. */
    if (set_number(self, I2C_RETRIES, 0) != 0) {
        return ns_errno_at_open(errno);
    }
    return set_timeout(self, self->config.timeout_us);
}

ns_status_t ns_i2c_dev_open_on(const ns_system_t *system, ns_i2c_dev_t *self,
                               const ns_i2c_dev_config_t *config) {
    if (self == NULL || config == NULL || config->path == NULL || config->timeout_us == 0 ||
        config->timeout_us > TIMEOUT_US_MAX ||
        (config->scl_chip_path == NULL) != (config->sda_chip_path == NULL)) {
        return NS_E_ARG;
    }
    memset(self, 0, sizeof *self);
    self->system = system;
    self->config = *config;
    self->fd = system->open(config->path, O_RDWR);
    if (self->fd < 0) {
        return ns_errno_at_open(errno);
    }
    ns_status_t status = prepare(self);
    if (status != NS_OK) {
        (void)system->close(self->fd);
        return status;
    }
    self->is_open = 1;
    return NS_OK;
}

ns_status_t ns_i2c_dev_open(ns_i2c_dev_t *self, const ns_i2c_dev_config_t *config) {
    return ns_i2c_dev_open_on(&ns_system_linux, self, config);
}
