// Plugins in C++: belfry/plugin.h with types, callables and exceptions. What crosses the border is
// plain C all the same, so host and plugin may have different compilers and standard libraries.
//
// plugins/hello is one. A plugin is a class: its constructor takes the host and the configuration
// (a JSON text) and listens, its destructor is the stop.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "belfry/plugin.h"
#include "belfry/plugin_call.h"
#include "belfry/plugin_events.h"
#include "belfry/plugin_view.h"

namespace belfry::plugin {

// Where a listener runs.
enum class Run : std::uint32_t { kQueued = BELFRY_QUEUED, kInline = BELFRY_INLINE };

// An event that the host makes known. Lifetime of the name: as long as the plugin is loaded.
struct KnownEvent {
  std::string_view name;
  std::uint32_t schema_version;
};

// The host. A value. Lifetime: as long as the plugin is loaded.
// Thread safety: any thread, as long as the plugin is started.
// Errors: everything throws Error; nothing has changed then.
class Host {
 public:
  explicit Host(const belfry_host& host) : host_(&host) {}

  const belfry_host& border() const { return *host_; }  // for extensions

  // A View, or an Object.
  template <class Described>
  typename Described::Type Find(const Described& described) const {
    return {*host_, Find(described.description())};
  }
  JsonType FindJson(std::string_view name, std::uint32_t schema_version) const {
    return {*host_, Find({sizeof(belfry_event_description),
                          TextOf(name),
                          schema_version,
                          0,
                          nullptr,
                          0,
                          0,
                          {nullptr, 0}})};
  }
  // All that it makes known by now, in the order of their names.
  std::vector<KnownEvent> KnownEvents() const {
    const void* const found = host_->extension(host_->context, TextOf(BELFRY_EVENTS));
    if (found == nullptr) throw Error(BELFRY_UNIMPLEMENTED, "the host does not list its events");
    std::vector<KnownEvent> known;
    const auto visit = [](void* all, const belfry_event_description* described) {
      return CallPlugin(nullptr, [&] {
        static_cast<std::vector<KnownEvent>*>(all)->push_back(
            {{described->name.data, described->name.size}, described->schema_version});
      });
    };
    CallHost([&](belfry_error* error) {
      return static_cast<const belfry_events*>(found)->list(host_->context, visit, &known, error);
    });
    return known;
  }

  // Calls `callable` with each event (const E&, or the JSON as std::string_view), until
  // Unsubscribe, or the plugin is stopped. What it throws is its listener's failure.
  template <class Type, class Callable>
  std::uint64_t Listen(std::string_view name, const Type& type, Callable callable,
                       Run run = Run::kQueued) const {
    return Subscribe(name, type, Type::kForm, run,
                     [callable = std::move(callable)](const belfry_event& event) mutable {
                       callable(Type::Of(event));
                     });
  }
  void Unsubscribe(std::uint64_t id) const {
    CallHost([&](belfry_error* error) { return host_->unsubscribe(host_->context, id, error); });
  }
  void Log(std::uint32_t level, std::string_view line) const {
    host_->log(host_->context, level, TextOf(line));
  }

 private:
  const belfry_event_type* Find(const belfry_event_description& described) const {
    const belfry_event_type* type = nullptr;
    CallHost([&](belfry_error* error) {
      return host_->find_event(host_->context, &described, &type, error);
    });
    return type;
  }
  template <class OnEvent>
  std::uint64_t Subscribe(std::string_view name, const EventType& type, std::uint32_t form, Run run,
                          OnEvent on_event) const {
    auto user = std::make_unique<OnEvent>(std::move(on_event));
    belfry_listener listener{};
    listener.size = sizeof(listener);
    listener.name = TextOf(name);
    listener.type = type.get();
    listener.forms = form;
    listener.run = static_cast<std::uint32_t>(run);
    listener.user = user.get();
    listener.on_event = [](void* self, const belfry_event* event, belfry_error* error) {
      return CallPlugin(error, [&] { (*static_cast<OnEvent*>(self))(*event); });
    };
    listener.released = [](void* self) { delete static_cast<OnEvent*>(self); };
    std::uint64_t id = 0;
    CallHost([&](belfry_error* error) {
      return host_->subscribe(host_->context, &listener, &id, error);
    });
    static_cast<void>(user.release());  // the host's, which releases it
    return id;
  }

  const belfry_host* host_;
};

// The start and the stop of a plugin that is a class.
template <class Plugin>
struct Class {
  static belfry_code Start(const belfry_host* host, belfry_text config, belfry_instance** instance,
                           belfry_error* error) {
    return CallPlugin(error, [&] {
      auto plugin =
          std::make_unique<Plugin>(Host(*host), std::string_view(config.data, config.size));
      *instance = reinterpret_cast<belfry_instance*>(plugin.release());
    });
  }
  static void Stop(belfry_instance* instance) { delete reinterpret_cast<Plugin*>(instance); }
};

}  // namespace belfry::plugin

// Defines the plugin: its class, and the lines of its note.
#define BELFRY_PLUGIN_CLASS(Type, note_lines)                     \
  BELFRY_PLUGIN(note_lines, ::belfry::plugin::Class<Type>::Start, \
                ::belfry::plugin::Class<Type>::Stop)
