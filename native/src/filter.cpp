// Sections of second order: coefficients, and rows side by side.

#include <algorithm>
#include <cstdint>

#include "enter.h"
#include "plan.h"
#include "threads.h"

namespace kapre {
namespace {

const char* wrong(const kapre_cascade* call) {
  if (!call) return "a call is needed";
  if (call->rows < 0 || call->time < 0 || call->count < 1) return "rows and time must be at least 0, count at least 1";
  if (call->rows && call->time && (!call->samples || !call->sections || !call->filtered))
    return "samples, sections and a place for the result are needed";
  return nullptr;
}

// Writes the coefficients of the sections of `rows` rows, and of the last row again for lanes without one.
void tabulate(const float* sections, int count, std::int64_t rows, int lanes, double* table) {
  for (int s = 0; s < count; ++s) {
    double* to = table + static_cast<std::ptrdiff_t>(5) * s * lanes;
    for (int l = 0; l < lanes; ++l) {
      const float* from = sections + (std::min<std::int64_t>(l, rows - 1) * count + s) * 6;
      const double total = from[0], outer = from[1], slope = from[2];
      const double below = from[3], around = from[4], tilt = from[5];
      const double a0 = 0.5 * (around + tilt);
      to[l] = 0.5 * (outer + slope) / a0;
      to[lanes + l] = (total - outer) / a0;
      to[2 * lanes + l] = 0.5 * (outer - slope) / a0;
      to[3 * lanes + l] = (below - around) / a0;
      to[4 * lanes + l] = 0.5 * (around - tilt) / a0;
    }
  }
}

void run_groups(const Variant& variant, const kapre_cascade& call, std::int64_t first, std::int64_t last) {
  const int lanes = variant.lanes;
  const std::size_t numbers = static_cast<std::size_t>(call.count) * static_cast<std::size_t>(lanes);
  const Scratch scratch(2 * 7 * numbers);
  double* table = reinterpret_cast<double*>(scratch.get());
  const float* rows[MOST_LANES];
  float* out[MOST_LANES];
  for (std::int64_t group = first; group < last; ++group) {
    const std::int64_t begin = group * lanes, some = std::min<std::int64_t>(lanes, call.rows - begin);
    for (int l = 0; l < lanes; ++l) {
      const std::int64_t row = begin + std::min<std::int64_t>(l, some - 1);
      rows[l] = call.samples + row * call.time;
      out[l] = l < some ? call.filtered + row * call.time : nullptr;
    }
    tabulate(call.sections + begin * call.count * 6, call.count, some, lanes, table);
    variant.effects.filter(rows, call.time, table, call.count, table + 5 * numbers, out);
  }
}

}  // namespace
}  // namespace kapre

extern "C" {

int32_t kapre_filter(const kapre_cascade* call, char* message, size_t message_size) {
  using namespace kapre;
  const char* instructions = call ? call->instructions : nullptr;
  const int width = call && call->rows <= NARROW_LANES ? NARROW : WIDEST;
  return choose(wrong(call), instructions, width, message, message_size, [&](const Variant& variant) {
    if (!call->rows || !call->time) return;
    const std::int64_t groups = (call->rows + variant.lanes - 1) / variant.lanes;
    const double points = static_cast<double>(call->rows * call->count) * static_cast<double>(call->time);
    divide(groups, call->threads, points,
           [&](std::int64_t first, std::int64_t last) { run_groups(variant, *call, first, last); });
  });
}

}  // extern "C"
