// Entries of sorted rows: a histogram of the highest bits, and a selection among the few entries that share them.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "enter.h"
#include "plan.h"
#include "threads.h"

namespace kapre {
namespace {

constexpr int BITS = 12, BINS = 1 << BITS, SHIFT = 32 - BITS;
constexpr int MOST = 100;

// Bits in the order of the numbers.
inline std::uint32_t ordered(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  if (x != x) return 0xffffffffu;
  return bits ^ (static_cast<std::uint32_t>(static_cast<std::int32_t>(bits) >> 31) | 0x80000000u);
}

inline float number(std::uint32_t bits) {
  if (bits == 0xffffffffu) return std::nanf("");
  bits ^= bits >> 31 ? 0x80000000u : 0xffffffffu;
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

const char* wrong(const kapre_selection* call) {
  if (!call) return "a call is needed";
  const kapre_selection& c = *call;
  if (c.rows < 0 || c.time < 0 || c.time >= INT32_MAX) return "rows and time must be at least 0, time below 2^31";
  if (c.count < 1 || c.count > MOST) return "count must be from 1 to 100";
  if (!c.rows) return nullptr;
  if (!c.time || !c.samples || !c.places || !c.found || !c.after)
    return "samples, places and room for the results are needed";
  for (std::int64_t i = 0; i < c.rows * c.count; ++i)
    if (c.places[i] < 0 || c.places[i] >= c.time) return "places must be from 0 to time - 1";
  return nullptr;
}

class Selection {
 public:
  Selection() : counts_(2 * BINS), marks_(BINS) {}

  void run(const kapre_selection& call, std::int64_t row) {
    const float* x = call.samples + row * call.time;
    count(x, call.time);
    wanted_.clear();
    for (int i = 0; i < call.count; ++i) {
      const std::int32_t place = call.places[row * call.count + i];
      wanted_.push_back({place, call.found + row * call.count + i});
      const std::int32_t next = static_cast<std::int32_t>(std::min<std::int64_t>(place + 1, call.time - 1));
      wanted_.push_back({next, call.after + row * call.count + i});
    }
    std::sort(wanted_.begin(), wanted_.end(), [](const Wanted& a, const Wanted& b) { return a.place < b.place; });
    collect(x, call.time);
    take();
  }

 private:
  struct Wanted {
    std::int32_t place;  // from the beginning of its bin, after `collect`
    float* to;
    std::size_t bin = 0;  // number of the bin among those that hold a place
  };

  void count(const float* x, std::int64_t time) {
    std::fill(counts_.begin(), counts_.end(), 0u);
    std::int64_t n = 0;
    for (; n + 2 <= time; n += 2) {  // two histograms, so that equal neighbours need not wait for one another
      ++counts_[ordered(x[n]) >> SHIFT];
      ++counts_[BINS + (ordered(x[n + 1]) >> SHIFT)];
    }
    if (n < time) ++counts_[ordered(x[n]) >> SHIFT];
    for (int b = 0; b < BINS; ++b) counts_[b] += counts_[BINS + b];
  }

  // Gathers the entries of the bins that hold a place.
  void collect(const float* x, std::int64_t time) {
    std::fill(marks_.begin(), marks_.end(), std::uint8_t{0});
    std::size_t bins = 0, bin = 0;
    std::uint32_t before = 0;
    for (Wanted& one : wanted_) {
      while (before + counts_[bin] <= static_cast<std::uint32_t>(one.place)) before += counts_[bin++];
      if (!marks_[bin]) marks_[bin] = static_cast<std::uint8_t>(++bins);
      one.bin = bins - 1;
      one.place -= static_cast<std::int32_t>(before);
    }
    if (entries_.size() < bins) entries_.resize(bins);
    for (std::vector<std::uint32_t>& entries : entries_) entries.clear();
    for (std::int64_t n = 0; n < time; ++n) {
      const std::uint32_t bits = ordered(x[n]);
      if (const std::uint8_t mark = marks_[bits >> SHIFT]) entries_[mark - 1u].push_back(bits);
    }
  }

  void take() {
    std::size_t bin = entries_.size();
    std::int32_t from = 0;
    for (Wanted& one : wanted_) {
      if (one.bin != bin) from = 0;
      bin = one.bin;
      std::vector<std::uint32_t>& entries = entries_[bin];
      // What is below the last place is in front of it.
      std::nth_element(entries.begin() + from, entries.begin() + one.place, entries.end());
      from = one.place;
      *one.to = number(entries[static_cast<std::size_t>(one.place)]);
    }
  }

  std::vector<std::uint32_t> counts_;
  std::vector<std::uint8_t> marks_;
  std::vector<Wanted> wanted_;
  std::vector<std::vector<std::uint32_t>> entries_;
};

}  // namespace
}  // namespace kapre

extern "C" {

int32_t kapre_select(const kapre_selection* call, char* message, size_t message_size) {
  using namespace kapre;
  if (const char* text = wrong(call)) return fail(KAPRE_INVALID, text, message, message_size);
  return guarded(message, message_size, [&] {
    const double points = 4.0 * static_cast<double>(call->rows) * static_cast<double>(call->time);
    divide(call->rows, call->threads, points, [&](std::int64_t first, std::int64_t last) {
      Selection selection;
      for (std::int64_t row = first; row < last; ++row) selection.run(*call, row);
    });
  });
}

}  // extern "C"
