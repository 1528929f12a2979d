// A dispatcher's stats as JSON. Needs Boost 1.81 or newer (link Boost::json), and no other public
// header includes it.
//
//   std::cout << belfry::ToJson(dispatcher.GetStats()) << '\n';
#pragma once

#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "belfry/stats.h"

namespace belfry {

inline boost::json::object ToJson(const DeliveryCounts& counts) {
  return {{"offered", counts.offered},  {"handled", counts.handled},
          {"dead", counts.dead},        {"filtered", counts.filtered},
          {"dropped", counts.dropped},  {"coalesced", counts.coalesced},
          {"expired", counts.expired},  {"cancelled", counts.cancelled},
          {"queued", counts.queued},    {"running", counts.running},
          {"retrying", counts.retrying}};
}

// What an inline listener has no use for is left out.
inline boost::json::object ToJson(const ListenerStats& listener) {
  const ListenerTraits& traits = listener.traits;
  boost::json::object object{
      {"id", listener.id},
      {"name", listener.name},
      {"type", listener.event_type.name()},
      {"file", traits.site.file},
      {"line", traits.site.line},
      {"run", traits.run == Run::kInline ? "inline" : "queued"},
      {"phase", ToString(traits.phase)},
      {"priority", traits.priority},
      {"filtered", traits.filtered},
      {"once", traits.once},
      {"owned", traits.owned},
      {"coroutine", traits.suspends},
      {"muted", listener.muted},
      {"deliveries", ToJson(listener.deliveries)},
  };
  if (!listener.selects.empty()) object["selects"] = listener.selects;
  if (traits.run == Run::kQueued) {
    object["queue"] = {{"events_max", traits.queue.events_max},
                       {"bytes_max", traits.queue.bytes_max},
                       {"overflow", ToString(traits.overflow)}};
    object["keyed"] = traits.keyed;
    object["concurrency"] = traits.concurrency;
    object["starvation_max"] = traits.starvation_max;
    object["attempts_max"] = traits.attempts_max;
    object["deadline_ns"] = traits.deadline.count();
    object["dead_letters"] = traits.dead_letters;
  }
  return object;
}

inline boost::json::object ToJson(const TypeStats& type) {
  return {{"type", type.event_type.name()},
          {"published", type.published},
          {"refused", type.refused},
          {"orphaned", type.orphaned},
          {"deliveries", ToJson(type.deliveries)}};
}

inline boost::json::object ToJson(const Stats& stats) {
  boost::json::array types;
  for (const TypeStats& type : stats.types) types.push_back(ToJson(type));
  boost::json::array listeners;
  for (const ListenerStats& listener : stats.listeners) listeners.push_back(ToJson(listener));
  return {{"types", std::move(types)},
          {"listeners", std::move(listeners)},
          {"scheduled", stats.scheduled},
          {"dead_letters", stats.dead_letters}};
}

}  // namespace belfry
