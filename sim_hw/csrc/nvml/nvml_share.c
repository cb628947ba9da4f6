/** @file nvml_share.c */
#include "nvml_share.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY_NS 100000000 /* assumed: a look costs some 10 us */
#define NS_PER_S 1000000000
#define GET_SEALS 1034     /* F_GET_SEALS, linux/fcntl.h: not POSIX */
#define SEAL_SHRINK 0x0002 /* F_SEAL_SHRINK, linux/fcntl.h */
#define STAT_BYTES 512     /* assumed: a line of /proc/PID/stat is some 300 */
#define FIELDS_TO_START 19 /* from the state, field 3, to the start time, field 22 */
#define SHARE_BYTES (SIM_SHARE_HEADER_BYTES + sizeof(sim_plant_image_t))

int64_t sim_share_now_ns(void) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

void sim_share_sleep_ns(int64_t duration_ns) {
    struct timespec duration = {.tv_sec = (time_t)(duration_ns / NS_PER_S),
                                .tv_nsec = (long)(duration_ns % NS_PER_S)};
    (void)nanosleep(&duration, NULL);
}

/* The name of a process, in brackets, may hold anything: the last bracket ends it. */
static bool process_lives(uint64_t pid, uint64_t start_ticks) {
    char path[64];
    char text[STAT_BYTES];
    (void)snprintf(path, sizeof(path), "/proc/%llu/stat", (unsigned long long)pid);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return false;
    }
    ssize_t size = read(descriptor, text, sizeof(text) - 1u);
    (void)close(descriptor);
    if (size <= 0) {
        return false;
    }
    text[size] = '\0';
    const char *at = strrchr(text, ')');
    if (at == NULL || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X') {
        return false;
    }
    at += 2;
    for (int field = 0; field < FIELDS_TO_START && at != NULL; field++) {
        at = strchr(at, ' ');
        at = at == NULL ? NULL : at + 1;
    }
    return at != NULL && strtoull(at, NULL, 10) == start_ticks;
}

static ns_nvml_return_t check_header(int descriptor) {
    struct stat status;
    sim_share_header_t header = {0};
    int seals = fcntl(descriptor, GET_SEALS);
    if (seals < 0 || (seals & SEAL_SHRINK) == 0 || fstat(descriptor, &status) != 0) {
        return NS_NVML_DRIVER_NOT_LOADED; /* a file that can shrink would kill who maps it */
    }
    if (pread(descriptor, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
        header.magic != SIM_SHARE_MAGIC) {
        return NS_NVML_DRIVER_NOT_LOADED;
    }
    if (header.version != SIM_SHARE_VERSION || header.header_bytes != SIM_SHARE_HEADER_BYTES ||
        header.image_bytes != sizeof(sim_plant_image_t) || status.st_size != (off_t)SHARE_BYTES) {
        return NS_NVML_LIB_RM_VERSION_MISMATCH;
    }
    return process_lives(header.owner_pid, header.owner_start_ticks) ? NS_NVML_SUCCESS
                                                                     : NS_NVML_DRIVER_NOT_LOADED;
}

ns_nvml_return_t sim_share_open(sim_share_t *self, const char *path) {
    *self = (sim_share_t){.memory = NULL};
    int descriptor = open(path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) {
        return errno == EACCES || errno == EPERM ? NS_NVML_NO_PERMISSION
                                                 : NS_NVML_DRIVER_NOT_LOADED;
    }
    ns_nvml_return_t code = check_header(descriptor);
    if (code == NS_NVML_SUCCESS) {
        void *memory = mmap(NULL, SHARE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
        self->memory = memory == MAP_FAILED ? NULL : memory;
        code = self->memory == NULL ? NS_NVML_MEMORY : NS_NVML_SUCCESS;
        self->looked_ns = sim_share_now_ns();
    }
    (void)close(descriptor);
    return code;
}

void sim_share_close(sim_share_t *self) {
    if (self->memory != NULL) {
        (void)munmap(self->memory, SHARE_BYTES);
        self->memory = NULL;
    }
}

sim_plant_image_t *sim_share_image(const sim_share_t *self) {
    unsigned char *bytes = (unsigned char *)self->memory;
    return bytes == NULL ? NULL : (sim_plant_image_t *)(void *)(bytes + SIM_SHARE_HEADER_BYTES);
}

/* The owner writes these words while they are read here: a look must not be kept in a register. */
static sim_share_header_t header_of(const sim_share_t *self) {
    const volatile sim_share_header_t *header = (const volatile sim_share_header_t *)self->memory;
    return (sim_share_header_t){.owner_pid = header->owner_pid,
                                .owner_start_ticks = header->owner_start_ticks};
}

uint32_t sim_share_owner(const sim_share_t *self) {
    return (uint32_t)header_of(self).owner_pid;
}

bool sim_share_is_orphan(sim_share_t *self) {
    if (self->memory == NULL || self->is_orphan) {
        return self->is_orphan;
    }
    sim_share_header_t header = header_of(self);
    if (header.owner_pid == 0u) {
        self->is_orphan = true;
        return true;
    }
    int64_t now_ns = sim_share_now_ns();
    if (now_ns - self->looked_ns >= LOOK_EVERY_NS) {
        self->looked_ns = now_ns;
        self->is_orphan = !process_lives(header.owner_pid, header.owner_start_ticks);
    }
    return self->is_orphan;
}
