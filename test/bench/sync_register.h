// The synchronous works, for anything with this shape:
//
//   class Subject {
//    public:
//     static constexpr bool kThreadSafe;          // whether several threads may use it at once
//     static constexpr bool kSubscribes;          // whether it can unsubscribe: the floors cannot
//     template <class F> Handle Add(F listener);  // the handle's destructor unsubscribes
//     void Emit(const Event& event);              // or Event&&
//   };
//
//   const bool registered = bench::RegisterSync<Subject>("name");
//
// Each becomes a Google Benchmark called work/variant/name.
#pragma once

#include <cstddef>
#include <string>

#include "benchmark/benchmark.h"

#include "bench/sync_publish.h"
#include "bench/sync_subscribe.h"

namespace bench {

template <class Run>
benchmark::internal::Benchmark* Register(const std::string& work, const std::string& variant,
                                         const std::string& contender, Run run) {
  return benchmark::RegisterBenchmark((work + "/" + variant + "/" + contender).c_str(), run);
}

template <class Subject>
void RegisterPublishing(const std::string& contender) {
  for (const std::size_t listeners : {1, 4, 16, 64, 256}) {
    Register("sync_same_type", std::to_string(listeners), contender,
             [=](benchmark::State& state) { SameType<Subject>(state, listeners); });
  }
  for (const std::size_t listeners : {16, 64, 256}) {
    Register("sync_mixed_types", std::to_string(listeners), contender,
             [=](benchmark::State& state) { MixedTypes<Subject>(state, listeners); });
  }
  if constexpr (Subject::kThreadSafe) {
    using Shared = FourShared<Subject>;
    for (const int threads : {1, 2}) {
      Register("sync_two_threads", threads == 1 ? "4/one thread" : "4", contender, &Shared::Run)
          ->Setup(&Shared::SetUp)
          ->Teardown(&Shared::TearDown)
          ->Threads(threads)
          ->UseRealTime();
    }
  }
}

template <class Subject>
void RegisterSubscribing(const std::string& contender) {
  if constexpr (Subject::kThreadSafe) {
    Register("churn", "4", contender, &Churn<Subject>)->UseRealTime();
  }
  for (const std::size_t others : {0, 1000}) {
    Register("subscribe_reset", std::to_string(others), contender,
             [=](benchmark::State& state) { SubscribeReset<Subject>(state, others); });
  }
  Register("memory", "inline listener", contender, &BytesPerListener<Subject>)->Iterations(1);
}

template <class Subject>
bool RegisterSync(const std::string& contender) {
  RegisterPublishing<Subject>(contender);
  if constexpr (Subject::kSubscribes) RegisterSubscribing<Subject>(contender);
  return true;
}

}  // namespace bench
