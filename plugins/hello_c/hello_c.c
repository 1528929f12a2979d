// The smallest plugin, in C: it says thank you for every order.
//
// Both events cross as they lie in memory, so nobody writes or reads JSON.
#include <stdlib.h>

#include "belfry/plugin.h"

typedef struct OrderPlaced {
  int64_t order;
  int64_t cents;
} OrderPlaced;

typedef struct OrderThanked {
  int64_t order;
  uint32_t thanks;  // how many so far
} OrderThanked;

// The fields as the host is told of them.
#define TEXT(literal) \
  { literal, sizeof(literal) - 1 }
static const belfry_field kPlacedFields[] = {
    {TEXT("order"), offsetof(OrderPlaced, order), BELFRY_I64, 1},
    {TEXT("cents"), offsetof(OrderPlaced, cents), BELFRY_I64, 1},
};
static const belfry_field kThankedFields[] = {
    {TEXT("order"), offsetof(OrderThanked, order), BELFRY_I64, 1},
    {TEXT("thanks"), offsetof(OrderThanked, thanks), BELFRY_U32, 1},
};
static const belfry_event_description kPlaced = {.size = sizeof kPlaced,
                                                 .name = TEXT("shop.order_placed"),
                                                 .schema_version = 1,
                                                 .fields_size = 2,
                                                 .fields = kPlacedFields,
                                                 .event_size = sizeof(OrderPlaced),
                                                 .event_alignment = _Alignof(OrderPlaced)};
static const belfry_event_description kThanked = {.size = sizeof kThanked,
                                                  .name = TEXT("shop.order_thanked"),
                                                  .schema_version = 1,
                                                  .fields_size = 2,
                                                  .fields = kThankedFields,
                                                  .event_size = sizeof(OrderThanked),
                                                  .event_alignment = _Alignof(OrderThanked)};

// What one started plugin has. No global variables: hosts may be several.
struct belfry_instance {
  const belfry_host* host;
  const belfry_event_type* thanked;
  uint32_t thanks;
};

static belfry_code OnOrderPlaced(void* user, const belfry_event* event, belfry_error* error) {
  struct belfry_instance* const hello = user;
  const OrderPlaced* const placed = event->data;
  if (placed->cents <= 0) {
    return belfry_fail(error, BELFRY_INVALID_ARGUMENT, belfry_text_of("an order costs something"));
  }
  OrderThanked thanked = {0};
  thanked.order = placed->order;
  thanked.thanks = ++hello->thanks;
  return hello->host->publish(hello->host->context, hello->thanked, BELFRY_VIEW, &thanked,
                              sizeof thanked, error);
}

static belfry_code Start(const belfry_host* host, belfry_text config, belfry_instance** instance,
                         belfry_error* error) {
  (void)config;
  const belfry_event_type* placed = NULL;
  const belfry_event_type* thanked = NULL;
  belfry_code code = host->find_event(host->context, &kPlaced, &placed, error);
  if (code == BELFRY_OK) code = host->find_event(host->context, &kThanked, &thanked, error);
  if (code != BELFRY_OK) return code;

  struct belfry_instance* const hello = calloc(1, sizeof *hello);
  if (hello == NULL) return BELFRY_RESOURCE_EXHAUSTED;
  hello->host = host;
  hello->thanked = thanked;
  const belfry_listener listener = {
      .size = sizeof listener,
      .name = belfry_text_of("thank"),
      .type = placed,
      .forms = BELFRY_VIEW,
      .run = BELFRY_QUEUED,
      .user = hello,
      .on_event = OnOrderPlaced,
  };
  code = host->subscribe(host->context, &listener, NULL, error);
  if (code != BELFRY_OK) {
    free(hello);
    return code;
  }
  *instance = hello;
  return BELFRY_OK;
}

static void Stop(belfry_instance* hello) { free(hello); }

BELFRY_PLUGIN(BELFRY_ID("hello_c") BELFRY_PLUGIN_VERSION("1.0.0") BELFRY_LISTENS("shop.order_placed", 1)
                  BELFRY_PUBLISHES("shop.order_thanked", 1),
              Start, Stop);
