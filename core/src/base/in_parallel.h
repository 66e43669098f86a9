// Independent jobs on several threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace mansard {

/// Calls `job(i)` for every i below `count`. The calling thread takes part and tells of progress.
template <typename Job>
void inParallel(int64_t count, int threads, const Job &job,
                const std::function<void(int64_t)> &progress) {
  std::atomic<int64_t> next{0}, done{0};
  const auto work = [&](bool tells) {
    for (int64_t i = next++; i < count; i = next++) {
      job(i);
      ++done;
      if (tells && progress)
        progress(done);
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < std::min<int64_t>(threads, count); ++i)
    others.emplace_back(work, false);
  work(true);
  for (std::thread &other : others)
    other.join();
}

} // namespace mansard
