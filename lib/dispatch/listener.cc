#include "dispatch/listener.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "dispatch/dispatcher_core.h"

namespace belfry {
namespace {

constexpr unsigned kKeyed = 1;
constexpr unsigned kFiltered = 2;
constexpr unsigned kOnce = 4;
constexpr unsigned kOwned = 8;
constexpr unsigned kSuspends = 64;
constexpr std::uint8_t kTraits = kKeyed | kFiltered | kOnce | kOwned | kSuspends;
constexpr std::uint8_t kCame = 16;
constexpr std::uint8_t kWent = 32;

}  // namespace

// "OrderPlaced@kitchen.cc:12"
std::string Listener::DefaultName(EventType type, Site site) {
  std::string_view file = site.file;
  file.remove_prefix(std::min(file.size(), file.rfind('/') + 1));
  std::string name =
      std::string(type.name()) + "@" + std::string(file) + ":" + std::to_string(site.line);
  if (name.size() > kListenerNameMax) name.resize(kListenerNameMax);
  return name;
}

Listener::~Listener() { delete made_name_.load(std::memory_order_relaxed); }

void Listener::Name(ListenerId id, std::string& name, Site site, Place place) {
  id_ = id;
  name_.swap(name);
  site_ = site;
  place_ = place;
  marks_.fetch_and(kTraits, std::memory_order_relaxed);
}

void Listener::Unname(Identity& taken) {
  name_.swap(taken.name);
  taken.made_name.reset(made_name_.load(std::memory_order_relaxed));
  made_name_.store(nullptr, std::memory_order_relaxed);
  if (order_ != nullptr) order_.swap(taken.order);
}

void Listener::Decorate(const std::shared_ptr<Decoration>& decoration, ListenerTraits traits) {
  decoration_ = decoration;
  marks_.fetch_and(static_cast<std::uint8_t>(~kTraits), std::memory_order_relaxed);
  marks_.fetch_or(
      static_cast<std::uint8_t>((traits.keyed ? kKeyed : 0) | (traits.filtered ? kFiltered : 0) |
                                (traits.once ? kOnce : 0) | (traits.owned ? kOwned : 0) |
                                (traits.suspends ? kSuspends : 0)),
      std::memory_order_relaxed);
}

// It may be about to go before all is said of its coming: then that is said here, too.
void Listener::TellSubscribed() {
  DispatcherCore& core = topic_->core();
  const LifeCycleHooks& hooks = core.options().life_cycle;
  if (!hooks.subscribed && !hooks.unsubscribed) return;
  core.telling().OfLife(hooks.subscribed, *this);
  const unsigned before = marks_.fetch_or(kCame, std::memory_order_acq_rel);
  if ((before & kWent) != 0) core.telling().OfLife(hooks.unsubscribed, *this);
}

void Listener::TellUnsubscribed() {
  DispatcherCore& core = topic_->core();
  const LifeCycleHooks& hooks = core.options().life_cycle;
  if (!hooks.unsubscribed || core.over() || core.forked()) return;
  const unsigned before = marks_.fetch_or(kWent, std::memory_order_acq_rel);
  if ((before & (kCame | kWent)) == kCame) core.telling().OfLife(hooks.unsubscribed, *this);
}

ListenerTraits Listener::MarkedTraits() const {
  const unsigned marks = marks_.load(std::memory_order_relaxed);
  ListenerTraits traits;
  traits.site = site_;
  traits.keyed = (marks & kKeyed) != 0;
  traits.filtered = (marks & kFiltered) != 0;
  traits.once = (marks & kOnce) != 0;
  traits.owned = (marks & kOwned) != 0;
  traits.suspends = (marks & kSuspends) != 0;
  if (order_ != nullptr) {
    traits.phase = order_->phase;
    traits.priority = order_->priority;
  }
  return traits;
}

std::string_view Listener::name() const {
  if (!name_.empty()) return name_;
  const std::string* made = made_name_.load(std::memory_order_acquire);
  if (made == nullptr) {
    auto name = std::make_unique<std::string>(DefaultName(topic_->type(), site_));
    if (made_name_.compare_exchange_strong(made, name.get(), std::memory_order_acq_rel)) {
      made = name.release();
    }
  }
  return *made;
}

}  // namespace belfry
