// Qt 5 in the synchronous works: functors, connected directly.
#include <QObject>
#include <utility>

#include "bench/event.h"
#include "bench/qt_sender.h"
#include "bench/sync_register.h"

namespace {

class Handle {
 public:
  explicit Handle(QMetaObject::Connection connection) : connection_(std::move(connection)) {}
  Handle(Handle&& other) noexcept : connection_(std::exchange(other.connection_, {})) {}
  Handle& operator=(Handle&&) = delete;
  ~Handle() {
    if (connection_) QObject::disconnect(connection_);
  }

 private:
  QMetaObject::Connection connection_;
};

class QtSubject {
 public:
  static constexpr bool kThreadSafe = true;
  static constexpr bool kSubscribes = true;

  template <class F>
  Handle Add(F listener) {
    return Handle(QObject::connect(&sender_, &bench::QtSender::Happened, &sender_,
                                   std::move(listener), Qt::DirectConnection));
  }
  void Emit(const bench::Event& event) { Q_EMIT sender_.Happened(event); }

 private:
  bench::QtSender sender_;
};

[[maybe_unused]] const bool registered = bench::RegisterSync<QtSubject>("Qt");

}  // namespace
