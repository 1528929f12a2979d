#include <cstddef>
#include <cstdint>

#include "belfry/plugin.h"
#include "belfry/plugin_events.h"
#include "belfry/plugin_timers.h"
#include "plugin/border.h"
#include "plugin/plugin_context.h"

namespace belfry {
namespace {

// Does what it has asked for, unless it is not started: absl::Status(PluginContext&).
template <class Call>
belfry_code CallIfStarted(belfry_context* context, belfry_error* error, Call call) {
  return CallHost(error, [&] {
    absl::Status started = context->plugin->CheckStarted();
    return started.ok() ? call(*context->plugin) : started;
  });
}

belfry_code FindEvent(belfry_context* context, const belfry_event_description* described,
                      const belfry_event_type** type, belfry_error* error) {
  return CallIfStarted(context, error,
                       [&](PluginContext& plugin) { return plugin.types().Find(described, type); });
}

belfry_code Publish(belfry_context* context, const belfry_event_type* type, std::uint32_t form,
                    const void* data, std::size_t size, belfry_error* error) {
  return CallHost(error, [&] { return context->plugin->Publish(type, form, data, size); });
}

belfry_code Subscribe(belfry_context* context, const belfry_listener* listener, std::uint64_t* id,
                      belfry_error* error) {
  return CallHost(error, [&] { return context->plugin->Subscribe(listener, id); });
}

belfry_code Unsubscribe(belfry_context* context, std::uint64_t id, belfry_error* error) {
  return CallHost(error, [&] { return context->plugin->Unsubscribe(id); });
}

void Log(belfry_context* context, std::uint32_t level, belfry_text line) {
  CallIfStarted(context, nullptr, [&](const PluginContext& plugin) {
    plugin.account().Log(level, ViewOf(line));
    return absl::OkStatus();
  });
}

belfry_code ListEvents(belfry_context* context, belfry_event_visitor visit, void* user,
                       belfry_error* error) {
  return CallIfStarted(context, error,
                       [&](PluginContext& plugin) { return plugin.types().List(visit, user); });
}

belfry_code StartTimer(belfry_context* context, const belfry_timer* timer, std::uint64_t* id,
                       belfry_error* error) {
  return CallHost(error, [&] { return context->plugin->StartTimer(timer, id); });
}

constexpr belfry_events kEvents = {sizeof(belfry_events), ListEvents};
constexpr belfry_timers kTimers = {sizeof(belfry_timers), StartTimer};

const void* Extension(belfry_context* /*context*/, belfry_text key) {
  if (ViewOf(key) == BELFRY_EVENTS) return &kEvents;
  if (ViewOf(key) == BELFRY_TIMERS) return &kTimers;
  return nullptr;
}

}  // namespace

belfry_host HostTable(belfry_context& context) {
  return {sizeof(belfry_host),
          BELFRY_ABI_MAJOR,
          BELFRY_ABI_MINOR,
          &context,
          FindEvent,
          Publish,
          Subscribe,
          Unsubscribe,
          Log,
          Extension};
}

}  // namespace belfry
