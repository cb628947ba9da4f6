/** @file controller.c */
#include "controller.h"

#include <assert.h>
#include <string.h>

#include "nightside/frame.h"

static_assert(2 + 4 * SIM_CHANNELS_MAX <= (int)NS_FRAME_PAYLOAD_MAX,
              "one reply holds all channels");
static_assert(sizeof(float) == sizeof(uint32_t), "values travel as IEEE single");

enum { SET_DONE = 0, SET_NO_CHANNEL = 1, SET_REFUSED = 2, SET_NOT_WRITABLE = 3 };

static void apply_safe(sim_controller_t *self) {
    for (uint8_t i = 0; i < self->channel_count; i++) {
        if (self->channel[i].setpoint != NULL) {
            *self->channel[i].setpoint = self->channel[i].safe;
        }
    }
}

void sim_controller_power_up(sim_controller_t *self) {
    self->now_ns = 0;
    self->heard_ns = 0;
    self->has_fired = false;
    apply_safe(self);
}

void sim_controller_advance(sim_controller_t *self, int64_t now_ns) {
    self->now_ns = now_ns;
    if (self->dead_man_ns > 0 && !self->has_fired && now_ns - self->heard_ns >= self->dead_man_ns) {
        apply_safe(self);
        self->has_fired = true;
    }
}

static void put_float(uint8_t *bytes, double value) {
    float single = (float)value;
    uint32_t bits = 0;
    memcpy(&bits, &single, sizeof(bits));
    for (unsigned i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(bits >> (8u * i) & 0xFFu);
    }
}

static double get_float(const uint8_t *bytes) {
    uint32_t bits = 0;
    float single = 0.0f;
    for (unsigned i = 0; i < 4; i++) {
        bits |= (uint32_t)bytes[i] << (8u * i);
    }
    memcpy(&single, &bits, sizeof(single));
    return (double)single;
}

static uint8_t set_channel(sim_controller_t *self, const ns_frame_t *request) {
    uint8_t index = request->payload[0];
    if (index >= self->channel_count) {
        return SET_NO_CHANNEL;
    }
    sim_channel_t *channel = &self->channel[index];
    if (channel->setpoint == NULL) {
        return SET_NOT_WRITABLE;
    }
    double value = get_float(&request->payload[1]);
    if (!(value >= channel->low && value <= channel->high)) { /* a NaN is refused too */
        return SET_REFUSED;
    }
    *channel->setpoint = value;
    self->has_fired = false;
    return SET_DONE;
}

static void answer_poll(sim_controller_t *self, ns_frame_t *reply) {
    reply->type = NS_FRAME_POLL_REPLY;
    reply->payload_size = (uint8_t)(2u + 4u * self->channel_count);
    reply->payload[0] = self->channel_count;
    reply->payload[1] = self->has_fired ? NS_FRAME_FLAG_DEAD_MAN : 0u;
    for (uint8_t i = 0; i < self->channel_count; i++) {
        const sim_channel_t *channel = &self->channel[i];
        double value = channel->setpoint != NULL ? *channel->setpoint
                                                 : sim_sensor_read(self->sensors, channel->word);
        put_float(&reply->payload[2u + 4u * i], value);
    }
}

ns_status_t sim_controller_exchange(sim_controller_t *self, const uint8_t *write, size_t write_size,
                                    uint8_t *read, size_t read_capacity, size_t *out_read_size) {
    ns_frame_t request;
    ns_frame_t reply;
    if (*self->silent != 0.0 || ns_frame_decode(write, write_size, &request) != NS_OK) {
        return NS_E_TIMEOUT;
    }
    reply.sequence = request.sequence;
    if (request.type == NS_FRAME_POLL && request.payload_size == 0) {
        answer_poll(self, &reply);
    } else if (request.type == NS_FRAME_SET && request.payload_size == 5) {
        reply.type = NS_FRAME_SET_REPLY;
        reply.payload_size = 1;
        reply.payload[0] = set_channel(self, &request);
    } else {
        return NS_E_TIMEOUT;
    }
    self->heard_ns = self->now_ns;
    return ns_frame_encode(&reply, read, read_capacity, out_read_size);
}
