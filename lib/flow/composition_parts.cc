#include "belfry/flow/composition_parts.h"

#include <chrono>
#include <string>
#include <variant>

#include "belfry/flow/composition.h"
#include "belfry/flow/composition_key.h"
#include "belfry/flow/composition_plan.h"

namespace belfry {
namespace {

std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

// --- Those that have come ------------------------------------------------------------------------

HeldParts::~HeldParts() {
  while (PopFront() != nullptr) {
  }
}

void HeldParts::PushBack(std::unique_ptr<HeldPart> part) {
  HeldPart* const added = part.release();
  (last_ == nullptr ? first_ : last_->next_) = added;
  last_ = added;
  ++size_;
}

std::unique_ptr<HeldPart> HeldParts::PopFront() {
  if (first_ == nullptr) return nullptr;
  std::unique_ptr<HeldPart> part(first_);
  first_ = std::exchange(part->next_, nullptr);
  if (first_ == nullptr) last_ = nullptr;
  --size_;
  return part;
}

std::unique_ptr<HeldPart> HeldParts::TakeOut(std::size_t index) {
  HeldParts others;
  std::unique_ptr<HeldPart> taken;
  while (auto part = PopFront()) {
    if (part->index == index) {
      taken = std::move(part);
    } else {
      others.PushBack(std::move(part));
    }
  }
  Swap(others);
  return taken;
}

std::vector<EventId> HeldParts::ids() const {
  std::vector<EventId> ids;
  ids.reserve(size_);
  for (const HeldPart* part = first_; part != nullptr; part = After(*part)) ids.push_back(part->id);
  return ids;
}

const void* GotParts::Find(EventType type, const std::string_view* name) const {
  for (const HeldPart* part = held_.first(); part != nullptr; part = HeldParts::After(*part)) {
    const PartInfo& info = infos_[part->index];
    if (info.type == type && (name == nullptr || info.name == *name)) return part->event();
  }
  return nullptr;
}

const void* GotParts::Event(std::size_t index) const {
  for (const HeldPart* part = held_.first(); part != nullptr; part = HeldParts::After(*part)) {
    if (part->index == index) return part->event();
  }
  return nullptr;
}

std::vector<std::string> GotParts::names() const {
  std::vector<std::string> names;
  for (const HeldPart* part = held_.first(); part != nullptr; part = HeldParts::After(*part)) {
    names.push_back(infos_[part->index].name);
  }
  return names;
}

// --- Texts ---------------------------------------------------------------------------------------

std::string ToString(const CompositionKey& key) {
  if (const auto* const id = std::get_if<EventId>(&key)) return ToString(*id);
  if (const auto* const number = std::get_if<std::uint64_t>(&key)) return std::to_string(*number);
  if (const auto* const number = std::get_if<std::int64_t>(&key)) return std::to_string(*number);
  return std::get<std::string>(key);
}

std::string ToString(const OpenComposition& open) {
  std::string text = "composition " + open.name + ", key " + open.key + ": has " +
                     Listed(open.got) + ", waits for " +
                     (open.missing.empty() ? "quiet" : Listed(open.missing));
  if (open.until.has_value()) {
    const auto ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(open.until->time_since_epoch());
    std::string digits = std::to_string(ms.count() % 1000);
    digits.insert(0, 3 - digits.size(), '0');
    text += " until +" + std::to_string(ms.count() / 1000) + "." + digits + "s";
  }
  return text;
}

bool WorthAnotherTry(PublishResult result) {
  using Code = PublishResult::Code;
  return result.code() == Code::kQueueFull || result.code() == Code::kWouldDeadlock ||
         result.code() == Code::kOutOfMemory || result.code() == Code::kTooDeep;
}

}  // namespace belfry
