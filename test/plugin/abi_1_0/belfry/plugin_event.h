// Texts, errors and events as they cross the border between a host and its plugins.
//
// Part of belfry/plugin.h, plain C.
// NOLINTBEGIN(modernize-use-using, readability-identifier-naming): plain C
#ifndef BELFRY_PLUGIN_EVENT_H_
#define BELFRY_PLUGIN_EVENT_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

// Whether the writer of the struct knew that member.
#define BELFRY_HAS(type, pointer, member) \
  ((pointer)->size >= offsetof(type, member) + sizeof((pointer)->member))

// UTF-8. No zero ends it.
typedef struct belfry_text {
  const char* data;
  size_t size;
} belfry_text;

// How a call ended. The numbers are those of absl::StatusCode and gRPC; one that is not known to
// the reader stands for BELFRY_UNKNOWN.
typedef int32_t belfry_code;
enum {
  BELFRY_OK = 0,
  BELFRY_UNKNOWN = 2,
  BELFRY_INVALID_ARGUMENT = 3,
  BELFRY_NOT_FOUND = 5,
  BELFRY_ALREADY_EXISTS = 6,
  BELFRY_PERMISSION_DENIED = 7,
  BELFRY_RESOURCE_EXHAUSTED = 8,
  BELFRY_FAILED_PRECONDITION = 9,
  BELFRY_ABORTED = 10,
  BELFRY_UNIMPLEMENTED = 12,
  BELFRY_INTERNAL = 13,
  BELFRY_UNAVAILABLE = 14
};

// Room for why a call has failed, made by the caller. What does not fit is cut off.
typedef struct belfry_error {
  size_t size;
  char* text;
  size_t text_max;   // how many bytes there is room for
  size_t text_size;  // how many were written
} belfry_error;

// What a field of a view is. Signed, unsigned, floating; the number of bits.
enum {
  BELFRY_BOOL = 1,
  BELFRY_CHAR = 2,
  BELFRY_I8 = 3,
  BELFRY_U8 = 4,
  BELFRY_I16 = 5,
  BELFRY_U16 = 6,
  BELFRY_I32 = 7,
  BELFRY_U32 = 8,
  BELFRY_I64 = 9,
  BELFRY_U64 = 10,
  BELFRY_F32 = 11,
  BELFRY_F64 = 12
};

// A field of a view: `count` values of one kind in a row, one behind the other. It stands in
// arrays, so this struct does not grow.
typedef struct belfry_field {
  belfry_text name;
  uint64_t offset;  // in bytes, from the event's beginning
  uint32_t kind;
  uint32_t count;
} belfry_field;

// An event type as one side sees it. What both sides call by one name may cross as JSON, whatever
// the schema versions: unknown keys are ignored, and what is missing may be optional. Where both
// state the same schema version, size, alignment and fields it may cross as it lies in memory, and
// where they state the same C++ ABI instead of fields, as a C++ object.
typedef struct belfry_event_description {
  size_t size;
  belfry_text name;
  uint32_t schema_version;  // from 1
  uint32_t fields_size;     // how many; 0: as JSON only
  const belfry_field* fields;
  uint64_t event_size;  // sizeof and alignof, in bytes; 0 without fields
  uint64_t event_alignment;
  // The C++ ABI of a plugin that wants the object itself (belfry/cxx_abi.h), and the fields do not
  // matter; empty: it does not.
  belfry_text object_abi;
} belfry_event_description;

// An event type that the host knows.
typedef struct belfry_event_type belfry_event_type;

// How an event crosses.
enum {
  BELFRY_JSON = 1,   // as the text of a JSON object
  BELFRY_VIEW = 2,   // as it lies in memory, aligned, not to be written to
  BELFRY_OBJECT = 4  // as a C++ object, not to be written to
};

// One event on its way to a listener.
typedef struct belfry_event {
  size_t size;
  belfry_text name;
  uint32_t schema_version;  // the host's
  uint32_t form;            // BELFRY_JSON, BELFRY_VIEW or BELFRY_OBJECT
  const void* data;
  size_t data_size;
} belfry_event;

// The text up to its first zero, which must outlive it.
static inline belfry_text belfry_text_of(const char* zero_terminated) {
  belfry_text text;
  text.data = zero_terminated;
  text.size = strlen(zero_terminated);
  return text;
}

// Writes why, if there is room, and returns `code`, so that a function can return this.
static inline belfry_code belfry_fail(belfry_error* error, belfry_code code, belfry_text why) {
  if (error != NULL && error->text != NULL) {
    error->text_size = why.size < error->text_max ? why.size : error->text_max;
    if (error->text_size != 0) memcpy(error->text, why.data, error->text_size);
  }
  return code;
}

#ifdef __cplusplus
}
#endif

#endif  // BELFRY_PLUGIN_EVENT_H_
// NOLINTEND(modernize-use-using, readability-identifier-naming)
