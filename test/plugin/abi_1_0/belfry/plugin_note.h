// What a plugin's file says of itself, readable without running any of its code: an ELF note.
//
// Part of belfry/plugin.h, plain C. The note is a text, a line for each thing said:
//
//   #define NOTE BELFRY_ID("hello") BELFRY_PLUGIN_VERSION("1.2.0") BELFRY_LISTENS("shop.paid", 1)
//
// Names consist of letters, digits and `._-`. The host refuses what is published or listened to
// without having been said here.
// NOLINTBEGIN(bugprone-macro-parentheses, readability-identifier-naming): plain C
#ifndef BELFRY_PLUGIN_NOTE_H_
#define BELFRY_PLUGIN_NOTE_H_

#include <stdint.h>

// The border's own version. A plugin runs where the major number is the same; one that was built
// against a newer minor number than the host's, too, if it asks BELFRY_HAS and `extension`.
#define BELFRY_ABI_MAJOR 1
#define BELFRY_ABI_MINOR 0

#define BELFRY_ID(id) "id " id "\n"
#define BELFRY_PLUGIN_VERSION(version) "version " version "\n"
#define BELFRY_LISTENS(event, schema) "listens " event " " BELFRY_SPELLED_(schema) "\n"
// To any event that the host makes known, whatever it is called: see plugin_events.h.
#define BELFRY_LISTENS_TO_ANY "listens_to_any\n"
#define BELFRY_PUBLISHES(event, schema) "publishes " event " " BELFRY_SPELLED_(schema) "\n"
// A key of its configuration; `type` is text, integer, number, boolean, array or object.
#define BELFRY_REQUIRES_KEY(key, type) "key " key " " type " required\n"
#define BELFRY_ALLOWS_KEY(key, type) "key " key " " type " optional\n"

// The note begins with the version of the border; this text is what is in the file.
#define BELFRY_NOTE_TEXT(lines) \
  "abi " BELFRY_SPELLED_(BELFRY_ABI_MAJOR) " " BELFRY_SPELLED_(BELFRY_ABI_MINOR) "\n" lines

#define BELFRY_SPELLED_(number) BELFRY_SPELLED_NOW_(number)
#define BELFRY_SPELLED_NOW_(number) #number

// The ELF note itself, named "Belfry", of type 1.
#define BELFRY_NOTE_NAME "Belfry"
#define BELFRY_NOTE_TYPE 1
#define BELFRY_PLUGIN_NOTE(variable, lines)                                        \
  static const struct {                                                            \
    uint32_t name_size;                                                            \
    uint32_t text_size;                                                            \
    uint32_t type;                                                                 \
    char name[8]; /* "Belfry" and its zero, in words of four bytes */              \
    char text[sizeof(BELFRY_NOTE_TEXT(lines))];                                    \
  } variable __attribute__((section(".note.belfry"), used, aligned(4))) = {        \
      sizeof(BELFRY_NOTE_NAME), sizeof(BELFRY_NOTE_TEXT(lines)), BELFRY_NOTE_TYPE, \
      BELFRY_NOTE_NAME, BELFRY_NOTE_TEXT(lines)}

#endif  // BELFRY_PLUGIN_NOTE_H_
// NOLINTEND(bugprone-macro-parentheses, readability-identifier-naming)
