// Calls that come later, once or again and again. Plain C.
//
// An extension of the host's: `host->extension(host->context, belfry_text_of(BELFRY_TIMERS))` is a
// belfry_timers, or null when the host has none.
// NOLINTBEGIN(modernize-use-using, readability-identifier-naming): plain C
#ifndef BELFRY_PLUGIN_TIMERS_H_
#define BELFRY_PLUGIN_TIMERS_H_

#include <stddef.h>
#include <stdint.h>

#include "belfry/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

// The extension's key.
#define BELFRY_TIMERS "belfry.timers.v1"

// Called as a queued listener is: its failures are told, and its calls counted, as those of one.
typedef struct belfry_timer {
  size_t size;
  belfry_text name;    // unique among the plugin's listeners and timers
  uint64_t delay_ns;   // until the first call
  uint64_t period_ns;  // from the end of a call to the next one; 0: there is none
  void* user;
  // [delivery] Other than BELFRY_OK: this call has failed. With a period the next one comes.
  belfry_code (*on_time)(void* user, belfry_error* error);
  // [any] May be null. No call of on_time runs, or will: `user` may go.
  void (*released)(void* user);
} belfry_timer;

// Lives as long as the plugin is loaded.
typedef struct belfry_timers {
  size_t size;

  // [any] Starts a timer, now or when the plugin's start has succeeded; *id, which may be null, is
  // never zero, and ends it as a listener: belfry_host.unsubscribe. One without a period ends by
  // itself behind its call. While the plugin is disabled its timers stand still; when it is enabled
  // each begins anew with its delay. What is still there when the plugin is stopped is ended by the
  // host. If this fails, `released` is not called.
  // BELFRY_UNAVAILABLE: nobody calls back (a synchronous dispatcher without timers).
  belfry_code (*start)(belfry_context* context, const belfry_timer* timer, uint64_t* id,
                       belfry_error* error);
} belfry_timers;

#ifdef __cplusplus
}
#endif

#endif  // BELFRY_PLUGIN_TIMERS_H_
// NOLINTEND(modernize-use-using, readability-identifier-naming)
