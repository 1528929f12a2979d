#include "signup/audit.h"

#include "absl/time/time.h"
#include <boost/json.hpp>

#include "belfry/dispatcher.h"

namespace signup {

absl::Status Audit::Write(belfry::Context& context) const {
  const belfry::Envelope& envelope = context.envelope();
  const auto time = absl::FromChrono(envelope.publish_time());

  boost::json::array links;
  for (const belfry::EventId link : envelope.links()) links.emplace_back(ToString(link));
  boost::json::array listeners;
  for (const std::string& name : context.dispatcher().ListenerNames(envelope.type())) {
    listeners.emplace_back(name);
  }
  const boost::json::object line{
      {"time", absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", time, absl::UTCTimeZone())},
      {"event", envelope.type().name()},
      {"id", ToString(envelope.id())},
      {"correlation", ToString(envelope.correlation_id())},
      {"causation", ToString(envelope.causation_id())},
      {"links", std::move(links)},
      {"listeners", std::move(listeners)},
  };
  return sink_(boost::json::serialize(line) + '\n');
}

}  // namespace signup
