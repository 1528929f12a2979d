#include "belfry/testing/fake_connector.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "belfry/testing/world.h"
#include "testing/fake_streams.h"

namespace belfry::testing {

class FakeConnector::Impl final {
 public:
  // Those who listen at an endpoint, and what they do.
  struct Place {
    enum class Does { kAnswer, kRefuse, kNothing, kFail };
    Does does = Does::kRefuse;
    int error = ECONNREFUSED;
    absl::Status status{};
    std::vector<std::shared_ptr<FakeLink>> links{};
  };

  Impl(World& world, const ConnectionOptions& options)
      : group_(std::make_shared<FakeStreams>(world, options)) {}

  FakeStreams& group() { return *group_; }

  Place& At(std::string_view endpoint) {
    const absl::StatusOr<Endpoint> parsed = Endpoint::Parse(endpoint);
    if (!parsed.ok()) ADD_FAILURE() << parsed.status().message();
    return places_[parsed.ok() ? parsed->text() : std::string(endpoint)];
  }
  Place& Adopted(int fd) { return places_["descriptor " + std::to_string(fd)]; }

  void Set(std::string_view endpoint, Place::Does does, int error = 0) {
    Place& place = At(endpoint);
    place.does = does;
    place.error = error;
    for (const auto& link : place.links) Decide(place, *link);
  }

  absl::StatusOr<ConnectionId> Connect(const Endpoint& endpoint, HeldListener listener) {
    if (group_->ended()) return Ended();
    Place& place = places_[endpoint.text()];
    if (place.does == Place::Does::kFail) return place.status;
    const auto link = std::make_shared<FakeLink>(FakeLink{.name = endpoint.text()});
    place.links.push_back(link);
    FakeStream& stream = group_->Add(link, std::move(listener));
    stream.StartConnecting();
    Decide(place, *link);
    return stream.id();
  }

  absl::StatusOr<ConnectionId> Adopt(int fd, HeldListener listener) {
    if (group_->ended()) return Ended();
    const auto link =
        std::make_shared<FakeLink>(FakeLink{.name = "descriptor " + std::to_string(fd)});
    Adopted(fd).links.push_back(link);
    FakeStream& stream = group_->Add(link, std::move(listener));
    stream.OpenLater();
    return stream.id();
  }

 private:
  static absl::Status Ended() {
    return absl::FailedPreconditionError("whoever connects has ended");
  }

  // What becomes of one that may be on its way still.
  static void Decide(const Place& place, const FakeLink& link) {
    if (link.stream == nullptr) return;
    switch (place.does) {
      case Place::Does::kAnswer:
        return link.stream->SetAnswer(0);
      case Place::Does::kRefuse:
        return link.stream->SetAnswer(place.error);
      case Place::Does::kNothing:
      case Place::Does::kFail:
        return link.stream->SetAnswer(std::nullopt);
    }
  }

  const std::shared_ptr<FakeStreams> group_;
  std::map<std::string, Place> places_;  // by the endpoint's text
};

FakeConnector::FakeConnector(World& world, const ConnectionOptions& options)
    : impl_(std::make_unique<Impl>(world, options)) {}
FakeConnector::~FakeConnector() { impl_->group().End(); }

// --- What an endpoint does ---

void FakeConnector::Answer(std::string_view endpoint) {
  impl_->Set(endpoint, Impl::Place::Does::kAnswer);
}
void FakeConnector::Refuse(std::string_view endpoint, int error) {
  impl_->Set(endpoint, Impl::Place::Does::kRefuse, error);
}
void FakeConnector::Silence(std::string_view endpoint) {
  impl_->Set(endpoint, Impl::Place::Does::kNothing);
}
void FakeConnector::FailAtOnce(std::string_view endpoint, absl::Status status) {
  impl_->Set(endpoint, Impl::Place::Does::kFail);
  impl_->At(endpoint).status = std::move(status);
}

std::vector<FakePeer> FakeConnector::Peers(std::string_view endpoint) const {
  std::vector<FakePeer> peers;
  for (const auto& link : impl_->At(endpoint).links) peers.emplace_back(link);
  return peers;
}

FakePeer FakeConnector::Adopted(int fd) const {
  const auto& links = impl_->Adopted(fd).links;
  if (!links.empty()) return FakePeer(links.back());
  ADD_FAILURE() << "descriptor " << fd << " was not adopted";
  return FakePeer(std::make_shared<FakeLink>());
}

// --- The program's side ---

absl::StatusOr<ConnectionId> FakeConnector::Connect(const Endpoint& endpoint,
                                                    ConnectionListener& listener) {
  return impl_->Connect(endpoint, HeldListener(listener));
}
absl::StatusOr<ConnectionId> FakeConnector::Connect(const Endpoint& endpoint,
                                                    std::unique_ptr<ConnectionListener> listener) {
  return impl_->Connect(endpoint, HeldListener(std::move(listener)));
}
absl::StatusOr<ConnectionId> FakeConnector::Adopt(int fd, ConnectionListener& listener) {
  return impl_->Adopt(fd, HeldListener(listener));
}
absl::StatusOr<ConnectionId> FakeConnector::Adopt(int fd,
                                                  std::unique_ptr<ConnectionListener> listener) {
  return impl_->Adopt(fd, HeldListener(std::move(listener)));
}
std::size_t FakeConnector::connections() const { return impl_->group().open(); }
Connection* FakeConnector::Find(ConnectionId connection) { return impl_->group().Find(connection); }
void FakeConnector::Defer(ConnectionId connection, std::function<void(Connection&)> work) {
  impl_->group().Defer(connection, std::move(work));
}

}  // namespace belfry::testing
