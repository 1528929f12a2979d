// What moc makes a signal of.
#pragma once

#include <QObject>

#include "bench/event.h"

namespace bench {

class QtSender : public QObject {
  Q_OBJECT

 Q_SIGNALS:
  void Happened(const bench::Event& event);
};

}  // namespace bench
