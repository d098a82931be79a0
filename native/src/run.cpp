// Running a plan: frames and their padding.

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "enter.h"
#include "plan.h"
#include "threads.h"

namespace kapre {
namespace {

// The sample that padding repeats at a position outside of `length` samples, at least 1.
std::int64_t source(std::int64_t position, std::int64_t length, std::int32_t padding) {
  if (padding == KAPRE_EDGE) return std::min(std::max<std::int64_t>(position, 0), length - 1);
  if (padding == KAPRE_SYMMETRIC) {
    const std::int64_t folded = (position < 0 ? -1 - position : position) % (2 * length);
    return folded < length ? folded : 2 * length - 1 - folded;
  }
  const std::int64_t period = std::max<std::int64_t>(2 * (length - 1), 1);
  const std::int64_t folded = std::abs(position) % period;
  return std::min(std::min(folded, period - folded), length - 1);
}

// A frame that reaches over an end of its item, which begins at `start`.
void gather(const float* item, std::int64_t length, const kapre_call& call, std::int64_t start, int size, float* frame) {
  const std::int64_t begin = -call.left, end = length + call.right;
  for (int n = 0; n < size; ++n) {
    const std::int64_t position = start + n;
    if (position >= 0 && position < length)
      frame[n] = item[position];
    else if (call.padding == KAPRE_CONSTANT || length <= 0 || position < begin || position >= end)
      frame[n] = 0.0f;
    else
      frame[n] = item[source(position, length, call.padding)];
  }
}

void run_groups(const Plan& plan, const Variant& variant, const kapre_call& call, std::int64_t first,
                std::int64_t last) {
  const int lanes = variant.lanes, size = plan.is.frame_length, hop = plan.is.hop_length;
  const std::int64_t total = call.items * call.frames;
  const std::size_t needed = variant.scratch(plan);
  const Scratch scratch(needed + static_cast<std::size_t>(lanes) * static_cast<std::size_t>(size));
  float* memory = scratch.get();
  float* edges = memory + needed;
  const float* frames[MOST_LANES];
  float* rows[MOST_LANES];
  float* energies[MOST_LANES];
  std::int64_t number = first * lanes, item = number / call.frames, frame = number % call.frames;
  for (std::int64_t group = first; group < last; ++group) {
    for (int l = 0; l < lanes; ++l, ++number) {
      if (number >= total) {  // the last frame once more, without a place for the result
        frames[l] = frames[l - 1];
        rows[l] = energies[l] = nullptr;
        continue;
      }
      const std::int64_t start = frame * hop - call.left;
      const float* samples = call.samples + item * call.item_stride;
      const std::int64_t length =
          call.lengths ? std::min(std::max<std::int64_t>(call.lengths[item], 0), call.time) : call.time;
      if (start >= 0 && start + size <= length) {
        frames[l] = samples + start;
      } else {
        float* padded = edges + static_cast<std::ptrdiff_t>(l) * size;
        gather(samples, length, call, start, size, padded);
        frames[l] = padded;
      }
      rows[l] = call.features + number * plan.values;
      energies[l] = call.energies ? call.energies + number : nullptr;
      if (++frame == call.frames) {
        frame = 0;
        ++item;
      }
    }
    variant.run(plan, frames, rows, energies, memory);
  }
}

const char* wrong(const Plan& plan, const kapre_call& call) {
  if (plan.is.spectrum == KAPRE_INVERSE) return "this plan inverts a spectrum";
  if (call.items < 0 || call.frames < 0 || call.time < 0 || call.left < 0 || call.right < 0)
    return "items, frames, time and padding must be at least 0";
  if (call.padding < KAPRE_CONSTANT || call.padding > KAPRE_EDGE) return "padding must be one of KAPRE_CONSTANT, ...";
  if (call.items && call.frames && (!call.features || (!call.samples && call.time))) return "samples and features are needed";
  if (plan.is.energy && !call.energies && call.items && call.frames) return "this plan needs a place for the energies";
  return nullptr;
}

void run(const Plan& plan, const Variant& variant, const kapre_call& call) {
  const std::int64_t total = call.items * call.frames, groups = (total + variant.lanes - 1) / variant.lanes;
  divide(groups, call.threads, static_cast<double>(total) * plan.is.n_fft,
         [&](std::int64_t first, std::int64_t last) { run_groups(plan, variant, call, first, last); });
}

}  // namespace

}  // namespace kapre

extern "C" {

int32_t kapre_plan_run(const void* memory, size_t size, const kapre_call* call, char* message, size_t message_size) {
  using namespace kapre;
  const auto is_empty = [](const kapre_call& c) { return !c.items || !c.frames; };
  return enter(memory, size, call, message, message_size, wrong, is_empty, run);
}

}  // extern "C"
