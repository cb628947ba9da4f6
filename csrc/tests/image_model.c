/* For tests/property/test_image_model.py: the writers of the image, each of which may die at its
 * nth store. Built by that test together with csrc/image and NS_TEST_SEAMS. */
#include <setjmp.h>
#include <stdbool.h>

#include "nightside/image.h"

enum { DEAD = 1 }; /* beside the statuses, which are 0 and below */

void ns_test_seam(bool is_store);

static jmp_buf death;
static unsigned stores_left;

void ns_test_seam(bool is_store) {
    if (is_store && stores_left > 0 && --stores_left == 0) {
        longjmp(death, 1);
    }
}

/** Defines model_<name>: like ns_image_<name>, but dies at store `die_at`; 0: lives. */
#define MORTAL(name, parameters, arguments)                                                        \
    int32_t model_##name parameters;                                                               \
    int32_t model_##name parameters {                                                              \
        if (setjmp(death) != 0) {                                                                  \
            return DEAD;                                                                           \
        }                                                                                          \
        stores_left = die_at;                                                                      \
        int32_t status = ns_image_##name arguments;                                                \
        stores_left = 0;                                                                           \
        return status;                                                                             \
    }

MORTAL(publish,
       (const ns_image_t *image, uint32_t driver, const ns_samples_t *samples, unsigned die_at),
       (image, driver, samples))
MORTAL(write_desired,
       (const ns_image_t *image, const double *values, uint32_t count, uint64_t epoch,
        unsigned die_at),
       (image, values, count, epoch))
MORTAL(send_request,
       (const ns_image_t *image, uint32_t driver, const ns_request_t *request, uint64_t *out_ticket,
        unsigned die_at),
       (image, driver, request, out_ticket))
MORTAL(take_request,
       (const ns_image_t *image, uint32_t driver, uint64_t epoch_now, int64_t now_ns,
        ns_request_t *out, uint64_t *out_ticket, unsigned die_at),
       (image, driver, epoch_now, now_ns, out, out_ticket))
MORTAL(put_evidence,
       (const ns_image_t *image, uint32_t driver, ns_evidence_t *record, unsigned die_at),
       (image, driver, record))
