// The division of work among threads.

#include "threads.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

namespace kapre {
namespace {

constexpr double WORTH_A_THREAD = 3e5;  // points of DFTs, which take about 0.2 ms; a thread takes 0.03 ms to start

}  // namespace

void divide(std::int64_t count, std::int32_t most, double points,
            const std::function<void(std::int64_t, std::int64_t)>& part) {
  const std::int64_t worth = static_cast<std::int64_t>(points / WORTH_A_THREAD);
  const std::int64_t threads = std::max<std::int64_t>(1, std::min<std::int64_t>({most, count, worth}));
  if (threads == 1) return part(0, count);
  std::vector<std::thread> others;
  std::atomic<bool> failed{false};
  const auto run = [&](std::int64_t i) {
    try {
      part(count * i / threads, count * (i + 1) / threads);
    } catch (...) {
      failed = true;
    }
  };
  std::int64_t started = 1;
  try {
    others.reserve(static_cast<std::size_t>(threads) - 1);
    for (; started < threads; ++started) others.emplace_back(run, started);
  } catch (const std::exception&) {
    // No further thread can be had: this one does what is left.
  }
  run(0);
  for (std::int64_t i = started; i < threads; ++i) run(i);
  for (std::thread& other : others) other.join();
  if (failed) throw std::bad_alloc();
}

}  // namespace kapre
