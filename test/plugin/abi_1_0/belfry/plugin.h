// The border between a host and its plugins. Plain C (C11, or C++), and nothing else crosses it.
//
// Whoever writes a plugin in C needs this header alone; in C++ there is belfry/plugin.hpp above it.
// plugins/hello_c is the smallest one.
//
// What holds for all of it:
//  * Growth. A struct begins with its size as its writer's compiler saw it, and grows at its end
//    only. Who reads one asks BELFRY_HAS for members that came later. What is no part of a struct
//    is asked for by a key: `extension`, on both sides; null says that there is none.
//  * Texts are UTF-8 with a length; no zero ends them. They and structs are read during the call
//    only, except where `lives as long as ...` is said. Nobody frees what the other side made.
//  * No exception, no longjmp crosses. What may fail returns a belfry_code, and says why in the
//    caller's belfry_error, which may be null.
//  * Threads. [control]: the one that told the host to start or stop, one call at a time.
//    [delivery]: whichever runs the listener; one call of one listener at a time, unless it is
//    BELFRY_INLINE. [any]: every thread, several at once, from the beginning of `start` until
//    `stop` has returned; calls that come later are refused for as long as the plugin is loaded.
// NOLINTBEGIN(modernize-use-using, readability-identifier-naming): plain C
#ifndef BELFRY_PLUGIN_H_
#define BELFRY_PLUGIN_H_

#include <stddef.h>
#include <stdint.h>

#include "belfry/plugin_event.h"
#include "belfry/plugin_note.h"

#ifdef __cplusplus
extern "C" {
#endif

// Where a listener runs.
enum { BELFRY_QUEUED = 0, BELFRY_INLINE = 1 };  // inline: inside the publish, on several at once

// What a plugin listens with.
typedef struct belfry_listener {
  size_t size;
  belfry_text name;               // unique in the plugin; the host puts the plugin's id before it
  const belfry_event_type* type;  // of find_event
  uint32_t forms;                 // which it can read: BELFRY_JSON | BELFRY_VIEW | ...
  uint32_t run;                   // BELFRY_QUEUED or BELFRY_INLINE
  void* user;
  // [delivery] The event is there for the call. Other than BELFRY_OK: this delivery has failed.
  belfry_code (*on_event)(void* user, const belfry_event* event, belfry_error* error);
  // [any] May be null. No call of on_event runs, or will: `user` may go.
  void (*released)(void* user);
} belfry_listener;

// How much a line of the log matters.
enum { BELFRY_LOG_INFO = 0, BELFRY_LOG_WARNING = 1, BELFRY_LOG_ERROR = 2 };

typedef struct belfry_context belfry_context;    // the host's, one for each plugin
typedef struct belfry_instance belfry_instance;  // the plugin's, from its start to its stop

// What the host does for a plugin. Lives as long as the plugin is loaded.
typedef struct belfry_host {
  size_t size;
  uint32_t abi_major;
  uint32_t abi_minor;
  belfry_context* context;  // for each call

  // [any] The event type that the host knows by `described->name`, and whether it is the same on
  // both sides. *type lives as long as the plugin is loaded.
  // BELFRY_NOT_FOUND: the host does not know it. BELFRY_FAILED_PRECONDITION: the schema or the
  // fields differ, and every difference is named.
  belfry_code (*find_event)(belfry_context* context, const belfry_event_description* described,
                            const belfry_event_type** type, belfry_error* error);

  // [any] Publishes: a text, bytes or a C++ object, which the host copies. Inline listeners have
  // run when it returns.
  // BELFRY_INVALID_ARGUMENT: no JSON of this event, or bytes of another size.
  // BELFRY_FAILED_PRECONDITION: disabled, stopped or shutting down, or a view of an event that was
  // described without fields. BELFRY_RESOURCE_EXHAUSTED: a queue is full.
  belfry_code (*publish)(belfry_context* context, const belfry_event_type* type, uint32_t form,
                         const void* data, size_t data_size, belfry_error* error);

  // [any] Listens from now on, or from when its start has succeeded; *id, which may be null, is
  // never zero. What is still subscribed when the plugin is stopped, or its start fails, is ended
  // by the host. If this fails, `released` is not called.
  // A view is given where the type was described with fields and the listener can read it.
  belfry_code (*subscribe)(belfry_context* context, const belfry_listener* listener, uint64_t* id,
                           belfry_error* error);

  // [any] After this no on_event of it begins, and none runs, unless this thread is inside one of
  // them; then the last one is the one that runs. BELFRY_NOT_FOUND: no such id, or ended before.
  belfry_code (*unsubscribe)(belfry_context* context, uint64_t id, belfry_error* error);

  // [any] A line for the host's log.
  void (*log)(belfry_context* context, uint32_t level, belfry_text line);

  // [any] Lives as long as the plugin is loaded.
  const void* (*extension)(belfry_context* context, belfry_text key);
} belfry_host;

// What a plugin is. Made by BELFRY_PLUGIN, and the one symbol that a plugin exports.
typedef struct belfry_plugin {
  size_t size;
  uint32_t abi_major;
  uint32_t abi_minor;
  belfry_text note;  // the same text as in the file

  // [control] Makes *instance, which may stay null, and subscribes. `config` is a JSON object with
  // the keys that the note declares. If it fails, the host ends what was subscribed, and does not
  // call stop.
  belfry_code (*start)(const belfry_host* host, belfry_text config, belfry_instance** instance,
                       belfry_error* error);
  // [control] Destroys the instance. No listener of the plugin runs or will; it may still publish.
  // Threads that the plugin has started have ended when it returns.
  void (*stop)(belfry_instance* instance);
  // [control] May be null. Lives as long as the plugin is loaded.
  const void* (*extension)(belfry_text key);
} belfry_plugin;

// Where the host finds it; of a plugin that is linked into a program, with a name of its own, which
// the build gives as BELFRY_PLUGIN_LINKED_IN.
#ifdef BELFRY_PLUGIN_LINKED_IN
#define BELFRY_PLUGIN_SYMBOL BELFRY_PLUGIN_PASTE_(belfry_plugin_v1_, BELFRY_PLUGIN_LINKED_IN)
#else
#define BELFRY_PLUGIN_SYMBOL belfry_plugin_v1
#endif
#define BELFRY_PLUGIN_PASTE_(a, b) BELFRY_PLUGIN_PASTE_NOW_(a, b)
#define BELFRY_PLUGIN_PASTE_NOW_(a, b) a##b

// Defines the plugin, once, outside of namespaces: its note, which are lines as in plugin_note.h,
// its `start` and its `stop`.
#define BELFRY_PLUGIN(note_lines, start, stop)                                       \
  BELFRY_PLUGIN_NOTE(BELFRY_PLUGIN_PASTE_(BELFRY_PLUGIN_SYMBOL, _note), note_lines); \
  BELFRY_PLUGIN_EXTERN_ __attribute__((visibility("default")))                       \
  const struct belfry_plugin BELFRY_PLUGIN_SYMBOL;                                   \
  const struct belfry_plugin BELFRY_PLUGIN_SYMBOL = {                                \
      sizeof(belfry_plugin),                                                         \
      BELFRY_ABI_MAJOR,                                                              \
      BELFRY_ABI_MINOR,                                                              \
      {BELFRY_NOTE_TEXT(note_lines), sizeof(BELFRY_NOTE_TEXT(note_lines)) - 1},      \
      start,                                                                         \
      stop,                                                                          \
      NULL}
#ifdef __cplusplus
#define BELFRY_PLUGIN_EXTERN_ extern "C"
#else
#define BELFRY_PLUGIN_EXTERN_ extern
#endif

#ifdef __cplusplus
}
#endif

#endif  // BELFRY_PLUGIN_H_
// NOLINTEND(modernize-use-using, readability-identifier-naming)
