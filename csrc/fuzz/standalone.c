/* Runs a fuzz target without libFuzzer: replays the files it is given, then mutates them from a
 * seed. It is not led by coverage; it exists so that a compiler without libFuzzer still tries.
 *
 *   TARGET [-seed=N] [-runs=N] [-max_total_time=S] [-artifact_prefix=P] [FILE | FOLDER]...
 *
 * The options are libFuzzer's; without -runs and -max_total_time the files are only replayed. The
 * input of a crash is kept as P + "crash-standalone", of a hang as P + "timeout-standalone". */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

enum { INPUT_SIZE_MAX = 4096, CORPUS_MAX = 256, PATH_SIZE = 1024, HANG_S = 20, MUTATIONS_MAX = 6 };

typedef struct entry {
    uint8_t bytes[INPUT_SIZE_MAX];
    size_t size;
} entry_t;

static entry_t corpus[CORPUS_MAX];
static size_t corpus_count;
static entry_t current;
static char crash_path[PATH_SIZE] = "crash-standalone";
static char timeout_path[PATH_SIZE] = "timeout-standalone";
static uint64_t random_state;

/** splitmix64. */
static uint64_t random_word(void) {
    random_state += 0x9E3779B97F4A7C15U;
    uint64_t word = random_state;
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9U;
    word = (word ^ word >> 27) * 0x94D049BB133111EBU;
    return word ^ word >> 31;
}

static size_t random_below(size_t limit) {
    return limit > 0 ? (size_t)(random_word() % limit) : 0;
}

/** In a signal handler: only what POSIX allows there. */
static void keep_current(const char *path) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file >= 0) {
        ssize_t written = write(file, current.bytes, current.size);
        (void)written;
        (void)close(file);
    }
}

static void on_crash(int number) {
    keep_current(crash_path);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void on_hang(int number) {
    (void)number;
    keep_current(timeout_path);
    _exit(70); /* libFuzzer's status of a time-out */
}

static void execute(void) {
    (void)alarm(HANG_S);
    (void)LLVMFuzzerTestOneInput(current.bytes, current.size);
}

static void load_file(const char *path) {
    if (corpus_count == CORPUS_MAX) {
        (void)fprintf(stderr, "%s: left out, the corpus is full\n", path);
        return;
    }
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    entry_t *entry = &corpus[corpus_count++];
    entry->size = fread(entry->bytes, 1, sizeof entry->bytes, file);
    (void)fclose(file);
}

static void load_folder(const char *path, DIR *folder) {
    for (const struct dirent *item = readdir(folder); item != NULL; item = readdir(folder)) {
        char name[PATH_SIZE];
        struct stat about;
        int size = snprintf(name, sizeof name, "%s/%s", path, item->d_name);
        if (size > 0 && size < PATH_SIZE && stat(name, &about) == 0 && S_ISREG(about.st_mode)) {
            load_file(name);
        }
    }
}

static void load(const char *path) {
    DIR *folder = opendir(path);
    if (folder == NULL) {
        load_file(path);
        return;
    }
    load_folder(path, folder);
    (void)closedir(folder);
}

static void insert_bytes(size_t at, size_t count) {
    if (count > sizeof current.bytes - current.size) {
        count = sizeof current.bytes - current.size;
    }
    memmove(current.bytes + at + count, current.bytes + at, current.size - at);
    for (size_t i = 0; i < count; i++) {
        current.bytes[at + i] = (uint8_t)random_word();
    }
    current.size += count;
}

static void erase_bytes(size_t at, size_t count) {
    count = count < current.size - at ? count : current.size - at;
    memmove(current.bytes + at, current.bytes + at + count, current.size - at - count);
    current.size -= count;
}

/** The tail of another entry in place of the own. */
static void splice(size_t at) {
    const entry_t *other = &corpus[random_below(corpus_count)];
    if (at < other->size) {
        memcpy(current.bytes + at, other->bytes + at, other->size - at);
        current.size = other->size;
    }
}

static void mutate_once(void) {
    static const uint8_t notable[] = {0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF};
    size_t at = random_below(current.size);
    unsigned kind = (unsigned)random_below(7);
    if (current.size == 0 || kind == 0) {
        insert_bytes(at, 1 + random_below(random_below(4) == 0 ? 256 : 8));
        return;
    }
    switch (kind) {
    case 1:
        erase_bytes(at, 1 + random_below(16));
        break;
    case 2:
        splice(at);
        break;
    case 3:
        current.bytes[at] = notable[random_below(sizeof notable)];
        break;
    case 4:
        current.bytes[at] = (uint8_t)(current.bytes[at] + random_below(9) - 4);
        break;
    case 5:
        current.bytes[at] = (uint8_t)random_word();
        break;
    default:
        current.bytes[at] ^= (uint8_t)(1U << random_below(8));
        break;
    }
}

static void mutate(void) {
    current = corpus[random_below(corpus_count)];
    for (size_t count = 1 + random_below(MUTATIONS_MAX); count > 0; count--) {
        mutate_once();
    }
}

static double now_s(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static bool is_option(const char *argument, const char *name, unsigned long long *out) {
    size_t size = strlen(name);
    if (strncmp(argument, name, size) != 0) {
        return false;
    }
    *out = strtoull(argument + size, NULL, 10);
    return true;
}

static void set_artifact_prefix(const char *prefix) {
    int size = snprintf(crash_path, sizeof crash_path, "%scrash-standalone", prefix);
    (void)snprintf(timeout_path, sizeof timeout_path, "%stimeout-standalone", prefix);
    if (size < 0 || size >= PATH_SIZE - 2) {
        (void)fputs("-artifact_prefix is too long\n", stderr);
        exit(2);
    }
}

int main(int argc, char **argv) {
    unsigned long long seed = 1;
    unsigned long long run_count = 0;
    unsigned long long seconds = 0;
    for (int i = 1; i < argc; i++) {
        static const char prefix[] = "-artifact_prefix=";
        if (strncmp(argv[i], prefix, sizeof prefix - 1) == 0) {
            set_artifact_prefix(argv[i] + sizeof prefix - 1);
        } else if (!is_option(argv[i], "-seed=", &seed) &&
                   !is_option(argv[i], "-runs=", &run_count) &&
                   !is_option(argv[i], "-max_total_time=", &seconds) && argv[i][0] != '-') {
            load(argv[i]);
        }
    }
    (void)signal(SIGABRT, on_crash);
    (void)signal(SIGALRM, on_hang);
    random_state = seed;
    double start_s = now_s();
    unsigned long long done = 0;
    for (size_t i = 0; i < corpus_count; i++, done++) {
        current = corpus[i];
        execute();
    }
    corpus_count += corpus_count == 0 ? 1 : 0; /* the empty input */
    bool is_timed = seconds > 0;
    for (unsigned long long i = 0; is_timed || i < run_count; i++, done++) {
        if (i % 64 == 0 && is_timed && now_s() - start_s >= (double)seconds) {
            break;
        }
        mutate();
        execute();
    }
    (void)printf("standalone: %llu executions in %.1f s, seed %llu\n", done, now_s() - start_s,
                 seed);
    return 0;
}
