#include <cstddef>
#include <cstdint>

#include "belfry/plugin.h"
#include "belfry/plugin_events.h"
#include "plugin/border.h"
#include "plugin/plugin_context.h"

namespace belfry {
namespace {

belfry_code FindEvent(belfry_context* context, const belfry_event_description* described,
                      const belfry_event_type** type, belfry_error* error) {
  return CallHost(error, [&] { return context->plugin->FindEvent(described, type); });
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
  CallHost(nullptr, [&] {
    context->plugin->Log(level, ViewOf(line));
    return absl::OkStatus();
  });
}

belfry_code ListEvents(belfry_context* context, belfry_event_visitor visit, void* user,
                       belfry_error* error) {
  return CallHost(error, [&] { return context->plugin->ListEvents(visit, user); });
}

constexpr belfry_events kEvents = {sizeof(belfry_events), ListEvents};

const void* Extension(belfry_context* /*context*/, belfry_text key) {
  return ViewOf(key) == BELFRY_EVENTS ? &kEvents : nullptr;
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
