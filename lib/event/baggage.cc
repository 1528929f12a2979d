#include "event/baggage.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "belfry/ambient_context.h"
#include "event/ambient.h"

namespace belfry {

bool AddBaggage(SharedBaggage& baggage, std::vector<Header> added) {
  auto all = baggage == nullptr ? std::make_shared<std::vector<Header>>()
                                : std::make_shared<std::vector<Header>>(*baggage);
  for (Header& header : added) {
    const auto same = std::find_if(all->begin(), all->end(), [&](const Header& inherited) {
      return inherited.first == header.first;
    });
    if (same != all->end()) {
      same->second = std::move(header.second);
    } else if (all->size() < kBaggageEntriesMax) {
      all->push_back(std::move(header));
    } else {
      return false;
    }
  }
  std::size_t bytes = 0;
  for (const Header& header : *all) bytes += header.first.size() + header.second.size();
  if (bytes > kBaggageBytesMax) return false;
  baggage = std::move(all);
  return true;
}

std::span<const Header> Envelope::baggage() const {
  if (baggage_ == nullptr) return {};
  return *baggage_;
}

std::string_view Envelope::baggage(std::string_view name) const {
  for (const Header& header : baggage()) {
    if (header.first == name) return header.second;
  }
  return {};
}

const SharedBaggage* Ambient::BaggageIn(AmbientFrame* frame) {
  for (const CauseScope* scope = ambient.scope; scope != nullptr; scope = scope->outer_) {
    if (scope->frame_ == frame && scope->baggage_ != nullptr) {
      return *scope->baggage_ == nullptr ? nullptr : scope->baggage_;
    }
  }
  return frame == nullptr ? nullptr : frame->baggage();
}

AmbientContext AmbientContext::Current() {
  AmbientContext current(Cause::Current());
  const SharedBaggage* const baggage = Ambient::BaggageIn(ambient.frame);
  if (baggage != nullptr) current.baggage_ = *baggage;
  return current;
}

std::span<const Header> AmbientContext::baggage() const {
  if (baggage_ == nullptr) return {};
  return *baggage_;
}

bool AmbientContext::Carry(std::vector<Header> added) {
  return AddBaggage(baggage_, std::move(added));
}

}  // namespace belfry
