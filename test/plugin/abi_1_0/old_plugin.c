// A plugin that knows the border as it was in version 1.0: it receives, publishes, logs, asks which
// events there are, and has a timer.
#include <stdio.h>
#include <stdlib.h>

#include "belfry/plugin.h"
#include "belfry/plugin_events.h"
#include "belfry/plugin_timers.h"

typedef struct OrderPlaced {
  int64_t order;
  int64_t cents;
} OrderPlaced;

#define TEXT(literal) \
  { literal, sizeof(literal) - 1 }
static const belfry_field kPlacedFields[] = {
    {TEXT("order"), offsetof(OrderPlaced, order), BELFRY_I64, 1},
    {TEXT("cents"), offsetof(OrderPlaced, cents), BELFRY_I64, 1},
};
static const belfry_event_description kPlaced = {.size = sizeof kPlaced,
                                                 .name = TEXT("shop.order_placed"),
                                                 .schema_version = 1,
                                                 .fields_size = 2,
                                                 .fields = kPlacedFields,
                                                 .event_size = sizeof(OrderPlaced),
                                                 .event_alignment = _Alignof(OrderPlaced)};
static const belfry_event_description kGreeted = {
    .size = sizeof kGreeted, .name = TEXT("shop.greeted"), .schema_version = 2};

struct belfry_instance {
  const belfry_host* host;
  const belfry_event_type* greeted;
};

static void Log(const struct belfry_instance* self, const char* line) {
  self->host->log(self->host->context, BELFRY_LOG_INFO, belfry_text_of(line));
}

static belfry_code OnOrderPlaced(void* user, const belfry_event* event, belfry_error* error) {
  const struct belfry_instance* const self = user;
  if (!BELFRY_HAS(belfry_event, event, data_size) || event->data_size != sizeof(OrderPlaced)) {
    return belfry_fail(error, BELFRY_INVALID_ARGUMENT, belfry_text_of("this is no order"));
  }
  const OrderPlaced* const placed = event->data;
  char json[64];
  const int size = snprintf(json, sizeof json, "{\"whom\": \"order %d\"}", (int)placed->order);
  Log(self, "received");
  return self->host->publish(self->host->context, self->greeted, BELFRY_JSON, json, (size_t)size,
                             error);
}

static belfry_code OnTime(void* user, belfry_error* error) {
  (void)error;
  Log(user, "on time");
  return BELFRY_OK;
}

static belfry_code Visit(void* user, const belfry_event_description* described) {
  char line[64];
  snprintf(line, sizeof line, "knows %.*s", (int)described->name.size, described->name.data);
  Log(user, line);
  return BELFRY_OK;
}

static belfry_code Listen(struct belfry_instance* self, belfry_error* error) {
  const belfry_host* const host = self->host;
  const belfry_event_type* placed = NULL;
  belfry_code code = host->find_event(host->context, &kPlaced, &placed, error);
  if (code == BELFRY_OK) code = host->find_event(host->context, &kGreeted, &self->greeted, error);
  if (code != BELFRY_OK) return code;

  const belfry_events* const events = host->extension(host->context, belfry_text_of(BELFRY_EVENTS));
  if (events != NULL) code = events->list(host->context, Visit, self, error);
  const belfry_timers* const timers = host->extension(host->context, belfry_text_of(BELFRY_TIMERS));
  const belfry_timer timer = {
      .size = sizeof timer, .name = belfry_text_of("once"), .user = self, .on_time = OnTime};
  if (code == BELFRY_OK && timers != NULL) {
    code = timers->start(host->context, &timer, NULL, error);
  }
  if (code != BELFRY_OK) return code;
  const belfry_listener listener = {.size = sizeof listener,
                                    .name = belfry_text_of("greet"),
                                    .type = placed,
                                    .forms = BELFRY_VIEW,
                                    .run = BELFRY_QUEUED,
                                    .user = self,
                                    .on_event = OnOrderPlaced};
  return host->subscribe(host->context, &listener, NULL, error);
}

static belfry_code Start(const belfry_host* host, belfry_text config, belfry_instance** instance,
                         belfry_error* error) {
  (void)config;
  struct belfry_instance* const self = calloc(1, sizeof *self);
  if (self == NULL) return BELFRY_RESOURCE_EXHAUSTED;
  self->host = host;
  *instance = self;
  return Listen(self, error);  // if it fails, what runs by then may use it until the process ends
}

static void Stop(belfry_instance* self) { free(self); }

BELFRY_PLUGIN(BELFRY_ID("old") BELFRY_PLUGIN_VERSION("1.0.0") BELFRY_LISTENS("shop.order_placed", 1)
                  BELFRY_PUBLISHES("shop.greeted", 2),
              Start, Stop);
