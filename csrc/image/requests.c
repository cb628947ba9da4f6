#include "layout.h"
#include "nightside/codec.h"
#include "nightside/device.h"

/*
 * One ring per driver, one producer (the daemon), one consumer (the driver), each with a word of
 * its own: `sent` and `taken`. What lies between them waits. The producer writes a slot before it
 * counts it as sent; the consumer takes a request before it carries it out, so that a death between
 * the two loses an edge and never doubles it.
 */

#define NS_PER_S 1000000000LL
#define HORIZON_NS (NS_REQUEST_HORIZON_S * NS_PER_S)
#define REARM_NS (10 * NS_PER_S) /* assumed: any driver that lives polls within it */

enum { TICKET_SHIFT = 16 }; /* a result is ticket << 16 | status: 48 bits of tickets never end */

static uint32_t crc_of(const uint64_t words[4]) {
    uint8_t bytes[4 * sizeof(uint64_t)];
    memcpy(bytes, words, sizeof bytes);
    return ns_crc32c(0, bytes, sizeof bytes);
}

static uint64_t waiting(const ns_image_t *image, uint32_t driver) {
    uint64_t sent = ns_load(&ns_image_inbox(image, driver)->sent);
    return sent - ns_load(&ns_image_area(image, driver)->taken);
}

static ns_status_t send(const ns_image_t *image, uint32_t driver, const ns_request_t *request,
                        uint64_t *out_ticket) {
    if (waiting(image, driver) >= image->request_capacity) {
        return NS_E_FULL;
    }
    ns_inbox_t *inbox = ns_image_inbox(image, driver);
    uint64_t ticket = ns_load(&inbox->sent) + 1;
    uint64_t words[4] = {ticket, (uint64_t)request->kind << 32 | request->device, request->epoch,
                         (uint64_t)request->deadline_ns};
    ns_request_slot_t *slot = ns_image_request_slot(image, driver, ticket);
    ns_store(&slot->ticket, words[0]);
    ns_store(&slot->kind_device, words[1]);
    ns_store(&slot->epoch, words[2]);
    ns_store(&slot->deadline_ns, words[3]);
    ns_store(&slot->crc32c, crc_of(words));
    if (request->epoch > ns_load(&inbox->epoch)) {
        ns_store(&inbox->epoch, request->epoch);
    }
    ns_store(&inbox->sent, ticket);
    if (out_ticket != NULL) {
        *out_ticket = ticket;
    }
    return NS_OK;
}

ns_status_t ns_image_send_request(const ns_image_t *image, uint32_t driver,
                                  const ns_request_t *request, uint64_t *out_ticket) {
    if (!ns_image_has_driver(image, driver) || request == NULL ||
        request->kind < NS_REQUEST_REARM || request->kind > NS_REQUEST_POWER_CYCLE ||
        !ns_epoch_is_valid(request->epoch)) {
        return NS_E_ARG;
    }
    if (request->device != UINT32_MAX && request->device >= image->drivers[driver].device_count) {
        return NS_E_ARG;
    }
    return send(image, driver, request, out_ticket);
}

ns_status_t ns_image_request_rearm(const ns_image_t *image, uint32_t driver) {
    ns_health_t health;
    ns_status_t status = ns_image_health(image, driver, &health);
    if (status != NS_OK) {
        return status;
    }
    bool is_sane = health.last_poll_ns >= 0 && health.last_poll_ns < INT64_MAX - REARM_NS;
    ns_request_t request = {.kind = NS_REQUEST_REARM,
                            .device = UINT32_MAX,
                            .epoch = ns_image_epoch(image), /* 0: no daemon has beaten yet */
                            .deadline_ns = (is_sane ? health.last_poll_ns : 0) + REARM_NS};
    return send(image, driver, &request, NULL);
}

ns_status_t ns_image_request_status(const ns_image_t *image, uint32_t driver, uint64_t ticket,
                                    int32_t *out_status) {
    if (!ns_image_has_driver(image, driver) || out_status == NULL || ticket == 0 ||
        ticket > ns_load(&ns_image_inbox(image, driver)->sent)) {
        return NS_E_ARG;
    }
    uint64_t result = ns_load(ns_image_result(image, driver, ticket));
    if (result >> TICKET_SHIFT < ticket) {
        return NS_E_BUSY;
    }
    int16_t status = (int16_t)(uint16_t)result;
    if (result >> TICKET_SHIFT > ticket || status == NS_E_STALE) {
        return NS_E_STALE;
    }
    *out_status = status;
    return NS_OK;
}

/** Results never go back: an older ticket of the same slot is forgotten. */
static void store_result(const ns_image_t *image, uint32_t driver, uint64_t ticket,
                         ns_status_t status) {
    ns_word_t *result = ns_image_result(image, driver, ticket);
    if (ns_load(result) >> TICKET_SHIFT < ticket) {
        ns_store(result, ticket << TICKET_SHIFT | (uint16_t)(int16_t)status);
    }
}

/** False: damaged, or not the request that belongs here. */
static bool read_slot(const ns_image_t *image, uint32_t driver, uint64_t ticket,
                      ns_request_t *out) {
    const ns_request_slot_t *slot = ns_image_request_slot(image, driver, ticket);
    uint64_t words[4] = {ns_load(&slot->ticket), ns_load(&slot->kind_device), ns_load(&slot->epoch),
                         ns_load(&slot->deadline_ns)};
    out->kind = (uint32_t)(words[1] >> 32);
    out->device = (uint32_t)words[1];
    out->epoch = words[2];
    out->deadline_ns = (int64_t)words[3];
    return words[0] == ticket && ns_load(&slot->crc32c) == crc_of(words);
}

static bool is_stale(const ns_request_t *request, uint64_t epoch_now, int64_t now_ns) {
    return request->epoch < epoch_now || request->deadline_ns <= now_ns ||
           request->deadline_ns - now_ns > HORIZON_NS;
}

ns_status_t ns_image_take_request(const ns_image_t *image, uint32_t driver, uint64_t epoch_now,
                                  int64_t now_ns, ns_request_t *out, uint64_t *out_ticket) {
    if (!ns_image_has_driver(image, driver) || out == NULL || out_ticket == NULL || now_ns < 0) {
        return NS_E_ARG;
    }
    uint64_t count = waiting(image, driver);
    if (count > image->request_capacity) { /* one of the two words is damaged */
        (void)ns_image_drop_requests(image, driver);
        return NS_E_STALE;
    }
    ns_word_t *taken = &ns_image_area(image, driver)->taken;
    uint64_t ticket = ns_load(taken);
    for (uint64_t i = 0; i < count; i++) {
        ticket++;
        ns_request_t request;
        bool is_good =
            read_slot(image, driver, ticket, &request) && !is_stale(&request, epoch_now, now_ns);
        if (!is_good) {
            store_result(image, driver, ticket, NS_E_STALE);
        }
        ns_store(taken, ticket);
        if (is_good) {
            *out = request;
            *out_ticket = ticket;
            return NS_OK;
        }
    }
    return NS_E_STALE;
}

ns_status_t ns_image_finish_request(const ns_image_t *image, uint32_t driver, uint64_t ticket,
                                    ns_status_t status) {
    if (!ns_image_has_driver(image, driver) || ticket == 0 ||
        ticket > ns_load(&ns_image_area(image, driver)->taken)) {
        return NS_E_ARG;
    }
    store_result(image, driver, ticket, status);
    return NS_OK;
}

ns_status_t ns_image_drop_requests(const ns_image_t *image, uint32_t driver) {
    if (!ns_image_has_driver(image, driver)) {
        return NS_E_ARG;
    }
    uint64_t sent = ns_load(&ns_image_inbox(image, driver)->sent);
    uint64_t capacity = image->request_capacity;
    for (uint64_t ticket = sent > capacity ? sent - capacity + 1 : 1; ticket <= sent; ticket++) {
        store_result(image, driver, ticket, NS_E_STALE);
    }
    ns_store(&ns_image_area(image, driver)->taken, sent);
    return NS_OK;
}
