// One who subscribes, and its place among the listeners of its type.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "belfry/listener_options.h"
#include "belfry/site.h"
#include "dispatch/listener.h"
#include "dispatch/ranking.h"
#include "dispatch/turn_order.h"

namespace belfry {

// Its place follows from what all of them ask for together. That is looked at under no lock, since
// it allocates; and once more when somebody comes or goes meanwhile.
//
// Thread safety: none of its own.
class Newcomer {
 public:
  // Takes its name, when it is subscribed, and its order from `options`. Throws std::bad_alloc.
  Newcomer(Topic& topic, ListenerOptions& options, Site site, bool synchronous);

  std::string& name() { return options_.name; }
  Site site() const { return site_; }
  bool asks() const { return order_ != nullptr; }  // for an order
  // What stands before its callable, and what it was subscribed with.
  void SetDecoration(const std::shared_ptr<Decoration>& decoration, const ListenerTraits& traits) {
    decoration_ = decoration;
    traits_ = traits;
  }
  void Decorate(Listener& listener) const { listener.Decorate(decoration_, traits_); }

  // Finds its place. False when there is none. Throws std::bad_alloc.
  bool FindPlace();
  // What came of it; null before.
  struct Found {
    std::uint64_t as_of = 0;                    // the topic's changes when it was looked for
    std::string complaint{};                    // why there is none, or ""
    std::vector<std::string> warnings{};        // to tell the log when it is subscribed
    std::vector<const Listener*> listeners{};   // all of them in order, itself as null
    std::shared_ptr<TurnOrder> turns{};         // the same, of a synchronous dispatcher
    std::shared_ptr<const TurnOrder> former{};  // to be destroyed under no lock
  };
  const Found* found() const { return found_.get(); }

  // --- Under the topic's mutex ---
  // Whether its place is right as things are, or none of them asks for an order.
  bool has_place() const;
  // It is that listener now, which has been named. Before the topic knows of the change.
  void Become(Listener& listener);

 private:
  struct Row;
  std::vector<Row> List(std::string& names, std::uint64_t& as_of) const;
  void Warn(const std::vector<Ranked>& listeners, const std::vector<std::string>& names,
            std::string_view where, Found& found) const;

  Topic& topic_;
  ListenerOptions& options_;
  const Site site_;
  const bool synchronous_;
  std::shared_ptr<Decoration> decoration_;
  ListenerTraits traits_;
  const std::shared_ptr<const ListenerOrder> order_;  // null: it asks for none
  std::unique_ptr<Found> found_;                      // few need it
};

}  // namespace belfry
