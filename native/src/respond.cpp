// Convolution by products of spectra, in blocks that overlap.

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "enter.h"
#include "plan.h"
#include "threads.h"

namespace kapre {
namespace {

const char* wrong(const Plan& plan, const kapre_convolution& call) {
  if (call.rows < 0 || call.time < 0 || call.size < 0 || call.count < 0) return "sizes must be at least 0";
  if (call.taps < 1 || call.taps > plan.is.n_fft) return "taps must be at least 1, and at most n_fft";
  if (!call.rows || !call.size) return nullptr;
  if (!call.convolved || !call.responses || !call.which || !call.starts || (!call.samples && call.time))
    return "samples, responses and a place for the result are needed";
  for (std::int64_t row = 0; row < call.rows; ++row)
    if (call.which[row] < 0 || call.which[row] >= call.count) return "which must name a response";
  return nullptr;
}

// Writes the spectra of responses, 2 (n_fft / 2 + 1) numbers for each.
void transform(const Plan& plan, const Variant& variant, const kapre_convolution& call, std::int64_t first,
               std::int64_t last, float* spectra) {
  const Scratch scratch(variant.effects.memory_to_convolve(plan));
  const float* rows[MOST_LANES];
  float* out[MOST_LANES];
  for (std::int64_t group = first; group < last; ++group) {
    for (int l = 0; l < variant.lanes; ++l) {
      const std::int64_t number = group * variant.lanes + l, own = std::min(number, call.count - 1);
      rows[l] = call.responses + own * call.taps;
      out[l] = number < call.count ? spectra + own * 2 * plan.bins : nullptr;
    }
    variant.effects.spectra(plan, rows, static_cast<int>(call.taps), out, scratch.get());
  }
}

// Block b of a row gives samples b * step ... of its result.
void convolve(const Plan& plan, const Variant& variant, const kapre_convolution& call, const float* spectra,
              std::int64_t blocks, std::int64_t first, std::int64_t last) {
  const int n_fft = plan.is.n_fft, lanes = variant.lanes;
  const std::int64_t before = call.taps - 1, step = n_fft - before;
  const std::size_t needed = variant.effects.memory_to_convolve(plan);
  const Scratch scratch(needed + static_cast<std::size_t>(lanes) * static_cast<std::size_t>(n_fft));
  float* edges = scratch.get() + needed;
  const float* frames[MOST_LANES];
  const float* responses[MOST_LANES];
  float* out[MOST_LANES];
  int begin[MOST_LANES], end[MOST_LANES];
  for (std::int64_t group = first; group < last; ++group) {
    for (int l = 0; l < lanes; ++l) {
      const std::int64_t number = group * lanes + l;
      begin[l] = static_cast<int>(before);
      if (number >= call.rows * blocks) {  // the last frame once more, without a place for the result
        frames[l] = frames[l - 1];
        responses[l] = responses[l - 1];
        out[l] = nullptr;
        end[l] = n_fft;
        continue;
      }
      const std::int64_t row = number / blocks, place = number % blocks * step;
      const std::int64_t start = call.starts[row] + place - before;
      const float* samples = call.samples + row * call.time;
      responses[l] = spectra + call.which[row] * 2 * plan.bins;
      out[l] = call.convolved + row * call.size + place;
      end[l] = static_cast<int>(before + std::min(step, call.size - place));
      if (start >= 0 && start + n_fft <= call.time) {
        frames[l] = samples + start;
        continue;
      }
      float* padded = edges + static_cast<std::ptrdiff_t>(l) * n_fft;
      const std::int64_t low = std::min<std::int64_t>(std::max<std::int64_t>(-start, 0), n_fft);
      const std::int64_t high = std::max(low, std::min<std::int64_t>(call.time - start, n_fft));
      std::fill(padded, padded + low, 0.0f);
      if (high > low) std::copy(samples + start + low, samples + start + high, padded + low);
      std::fill(padded + high, padded + n_fft, 0.0f);
      frames[l] = padded;
    }
    variant.effects.convolve(plan, frames, responses, begin, end, out, scratch.get());
  }
}

void run(const Plan& plan, const Variant& variant, const kapre_convolution& call) {
  const auto groups = [&](std::int64_t count) { return (count + variant.lanes - 1) / variant.lanes; };
  const double n_fft = plan.is.n_fft;
  const Scratch spectra(static_cast<std::size_t>(call.count) * 2 * static_cast<std::size_t>(plan.bins));
  divide(groups(call.count), call.threads, static_cast<double>(call.count) * n_fft,
         [&](std::int64_t first, std::int64_t last) { transform(plan, variant, call, first, last, spectra.get()); });
  const std::int64_t step = plan.is.n_fft - call.taps + 1, blocks = (call.size + step - 1) / step;
  divide(groups(call.rows * blocks), call.threads, 2.0 * static_cast<double>(call.rows * blocks) * n_fft,
         [&](std::int64_t first, std::int64_t last) {
           convolve(plan, variant, call, spectra.get(), blocks, first, last);
         });
}

}  // namespace
}  // namespace kapre

extern "C" {

int32_t kapre_plan_convolve(const void* memory, size_t size, const kapre_convolution* call, char* message,
                            size_t message_size) {
  using namespace kapre;
  const auto is_empty = [](const kapre_convolution& c) { return !c.rows || !c.size; };
  // Blocks are long: those of a narrower vector stay in the cache, and fewer lanes of it are without a block.
  return enter(memory, size, call, message, message_size, wrong, is_empty, run, NARROW);
}

}  // extern "C"
