// A plugin that does what a test says, linked into the test.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "belfry/plugin.h"

namespace belfry {

// Which events it says that it listens to and publishes.
inline constexpr char kScriptedNote[] = BELFRY_NOTE_TEXT(
    BELFRY_ID("scripted") BELFRY_PLUGIN_VERSION("1") BELFRY_LISTENS("shop.order_placed", 1)
        BELFRY_LISTENS("shop.greeted", 2) BELFRY_PUBLISHES("shop.order_thanked", 1)
            BELFRY_PUBLISHES("shop.greeted", 2) BELFRY_REQUIRES_KEY("loud", "boolean"));

// What its functions do. One at a time.
struct Script {
  std::function<belfry_code(const belfry_host& host, belfry_error* error)> start;
  std::function<void()> stop;
};
inline Script script;

inline belfry_plugin ScriptedPlugin() {
  belfry_plugin plugin{};
  plugin.size = sizeof(plugin);
  plugin.abi_major = BELFRY_ABI_MAJOR;
  plugin.abi_minor = BELFRY_ABI_MINOR;
  plugin.note = belfry_text_of(kScriptedNote);
  plugin.start = [](const belfry_host* host, belfry_text, belfry_instance**, belfry_error* error) {
    return script.start ? script.start(*host, error) : belfry_code{BELFRY_OK};
  };
  plugin.stop = [](belfry_instance*) {
    if (script.stop) script.stop();
  };
  return plugin;
}

inline belfry_event_description DescribeJson(const char* name, std::uint32_t schema = 1) {
  belfry_event_description described{};
  described.size = sizeof(described);
  described.name = belfry_text_of(name);
  described.schema_version = schema;
  return described;
}

// What a plugin listens with, and how often it was told that it may let go of it.
struct ScriptedListener {
  std::string name = "listener";
  std::function<belfry_code(const belfry_event& event, belfry_error* error)> on_event;
  std::uint32_t run = BELFRY_QUEUED;
  int released = 0;
  std::uint64_t id = 0;

  belfry_listener Listener(const belfry_event_type* type) {
    belfry_listener listener{};
    listener.size = sizeof(listener);
    listener.name = {name.data(), name.size()};
    listener.type = type;
    listener.forms = BELFRY_JSON | BELFRY_VIEW;
    listener.run = run;
    listener.user = this;
    listener.on_event = [](void* user, const belfry_event* event, belfry_error* error) {
      auto& self = *static_cast<ScriptedListener*>(user);
      return self.on_event ? self.on_event(*event, error) : belfry_code{BELFRY_OK};
    };
    listener.released = [](void* user) { ++static_cast<ScriptedListener*>(user)->released; };
    return listener;
  }
  // To the JSON of that event.
  belfry_code Subscribe(const belfry_host& host, const char* event, belfry_error* error) {
    const belfry_event_description described = DescribeJson(event);
    const belfry_event_type* type = nullptr;
    belfry_code code = host.find_event(host.context, &described, &type, error);
    if (code != BELFRY_OK) return code;
    const belfry_listener listener = Listener(type);
    return host.subscribe(host.context, &listener, &id, error);
  }
};

inline belfry_code PublishJson(const belfry_host& host, const char* event, const std::string& text,
                               belfry_error* error) {
  const belfry_event_description described = DescribeJson(event);
  const belfry_event_type* type = nullptr;
  const belfry_code code = host.find_event(host.context, &described, &type, error);
  if (code != BELFRY_OK) return code;
  return host.publish(host.context, type, BELFRY_JSON, text.data(), text.size(), error);
}

// Room for an error, and what was written there.
class Room {
 public:
  belfry_error* error() { return &error_; }
  std::string text() const { return std::string(text_, error_.text_size); }

 private:
  char text_[512] = {};
  belfry_error error_{sizeof(error_), text_, sizeof(text_), 0};
};

}  // namespace belfry
