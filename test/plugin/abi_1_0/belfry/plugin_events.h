// Which events the host makes known, for plugins that do not know them by name. Plain C.
//
// An extension of the host's: `host->extension(host->context, belfry_text_of(BELFRY_EVENTS))` is
// a belfry_events, or null when the host has none. Who listens to what it lists says
// BELFRY_LISTENS_TO_ANY in its note. plugins/audit is one.
// NOLINTBEGIN(modernize-use-using, readability-identifier-naming): plain C
#ifndef BELFRY_PLUGIN_EVENTS_H_
#define BELFRY_PLUGIN_EVENTS_H_

#include <stddef.h>

#include "belfry/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

// The extension's key.
#define BELFRY_EVENTS "belfry.events.v1"

// Called with each event, as the host describes it: without fields, if it crosses as JSON only.
// The description is there for the call; its name and its fields live as long as the plugin is
// loaded. Other than BELFRY_OK: the list ends here.
typedef belfry_code (*belfry_event_visitor)(void* user, const belfry_event_description* described);

// Lives as long as the plugin is loaded.
typedef struct belfry_events {
  size_t size;

  // [any] Calls `visit` on this thread, before it returns, with each event that is known by now, in
  // the order of their names. The visitor may call what it likes.
  // Errors: BELFRY_INVALID_ARGUMENT (no visitor), or the visitor's.
  belfry_code (*list)(belfry_context* context, belfry_event_visitor visit, void* user,
                      belfry_error* error);
} belfry_events;

#ifdef __cplusplus
}
#endif

#endif  // BELFRY_PLUGIN_EVENTS_H_
// NOLINTEND(modernize-use-using, readability-identifier-naming)
