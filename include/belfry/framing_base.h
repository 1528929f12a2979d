// What the framings of framing.h have in common. Users include that.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"

#include "belfry/export.h"

namespace belfry {

// What is kept of a frame that is not whole, and how one Feed goes.
class BELFRY_EXPORT Framing {
 public:
  // Ends it, and frees what was kept. Also from inside `each`.
  void Stop();
  // How many bytes are kept. Not 0 at the end of the connection: the last frame was cut off.
  std::size_t kept() const { return kept_ == nullptr ? 0 : kept_->size(); }

  Framing(const Framing&) = delete;
  Framing& operator=(const Framing&) = delete;

 protected:
  Framing() = default;
  ~Framing() { Stop(); }

  // What a kind's SizeOf says instead of a size.
  static constexpr std::size_t kNotWhole = ~std::size_t{0};
  static constexpr std::size_t kTooLong = kNotWhole - 1;

  // A kind has functions for a frame that begins with `kept`, is not whole with that, and goes on
  // with `data`: SizeOf(kept, data), how much of `data` belongs to it, and TooLong(kept, data), the
  // error; and for a whole one Content(whole), what of it is given.
  template <class Kind, class Each>
  absl::Status Cut(const Kind& kind, std::string_view data, Each& each);

 private:
  // One Feed while it lasts. One that is left without Finish ends the framing.
  class BELFRY_EXPORT Feeding {
   public:
    explicit Feeding(Framing& framing);
    ~Feeding() {
      if (framing_ != nullptr) framing_->Stop();
    }
    Feeding(const Feeding&) = delete;
    Feeding& operator=(const Feeding&) = delete;
    bool stopped() const { return framing_ == nullptr; }
    void Finish() { std::exchange(framing_, nullptr)->feeding_ = nullptr; }

   private:
    friend class Framing;
    Framing* framing_;  // null: it was stopped, and may be gone
  };

  absl::Status Refuse() const;

  std::unique_ptr<std::string> kept_;  // null: nothing
  Feeding* feeding_ = nullptr;
  bool ended_ = false;
};

template <class Kind, class Each>
absl::Status Framing::Cut(const Kind& kind, std::string_view data, Each& each) {
  if (ended_ || feeding_ != nullptr) return Refuse();
  Feeding feeding(*this);
  if (kept_ != nullptr) {
    const std::size_t size = kind.SizeOf(*kept_, data);
    if (size == kTooLong) return kind.TooLong(*kept_, data);
    kept_->append(data.substr(0, size));
    if (size == kNotWhole) {
      feeding.Finish();
      return absl::OkStatus();
    }
    data.remove_prefix(size);
    const std::unique_ptr<std::string> whole = std::move(kept_);
    each(kind.Content(*whole));
    if (feeding.stopped()) return absl::OkStatus();
  }
  while (!data.empty()) {
    const std::size_t size = kind.SizeOf({}, data);
    if (size > data.size()) {  // it is none
      if (size == kTooLong) return kind.TooLong({}, data);
      kept_ = std::make_unique<std::string>(data);
      break;
    }
    const std::string_view whole(data.data(), size);
    data.remove_prefix(size);
    each(kind.Content(whole));
    if (feeding.stopped()) return absl::OkStatus();
  }
  feeding.Finish();
  return absl::OkStatus();
}

}  // namespace belfry
