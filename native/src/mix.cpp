// Noise, scaled to the level of samples and added to them.

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "enter.h"
#include "plan.h"
#include "threads.h"

namespace kapre {
namespace {

const char* wrong(const kapre_mixture* call) {
  if (!call) return "a call is needed";
  const kapre_mixture& c = *call;
  if (c.rows < 0 || c.channels < 1 || c.time < 0) return "rows and time must be at least 0, channels at least 1";
  if (!c.samples && (c.channels != 1 || !c.keys)) return "without samples, there are keys and one channel";
  if (!c.keys && c.noise_channels != 1 && c.noise_channels != c.channels)
    return "noise_channels must be 1 or the number of channels";
  if (c.rows && (c.samples || c.keys) && c.time && (!c.mixed || (!c.keys && !c.noise) || (c.samples && !c.ratios)))
    return "noise, ratios and a place for the result are needed";
  return nullptr;
}

std::int64_t valid(const kapre_mixture& call, std::int64_t row) {
  return call.lengths ? std::min(std::max<std::int64_t>(call.lengths[row], 0), call.time) : call.time;
}

// One row, whose samples stay in the cache from one step to the next.
void mix_row(const Effects& effects, const kapre_mixture& call, std::int64_t row) {
  const std::int64_t channels = call.channels, time = call.time, length = valid(call, row);
  float* mixed = call.mixed + row * channels * time;
  const std::int64_t of_noise = call.keys ? 1 : call.noise_channels;
  const float* noise = call.keys ? mixed + (channels - 1) * time : call.noise + row * of_noise * time;
  if (call.keys) {  // the last channel is written last, and holds the noise until then
    const std::int32_t* key = call.keys + 2 * row;
    const std::uint32_t first = static_cast<std::uint32_t>(key[0]), second = static_cast<std::uint32_t>(key[1]);
    effects.white(first, second, call.samples ? length : time, mixed + (channels - 1) * time);
    if (!call.samples) return;
  }
  const float* samples = call.samples + row * channels * time;
  double of_samples = 0.0, of_both = 0.0;
  for (std::int64_t c = 0; c < channels; ++c) of_samples += effects.energy(samples + c * time, length);
  for (std::int64_t c = 0; c < of_noise; ++c) of_both += effects.energy(noise + c * time, length);
  const double levels = of_both * static_cast<double>(channels) / static_cast<double>(of_noise);
  // A level that is NaN is not above 0 either.
  const bool sounding = of_samples > 0.0 && of_both > 0.0;
  const float gain = sounding ? static_cast<float>(std::sqrt(of_samples / levels)) * call.ratios[row] : 0.0f;
  for (std::int64_t c = 0; c < channels; ++c) {
    const float* own = samples + c * time;
    const float* other = of_noise == 1 ? noise : noise + c * time;
    float* to = mixed + c * time;
    effects.blend(call.adds ? own : nullptr, other, gain, length, to);
    if (call.adds)
      std::copy(own + length, own + time, to + length);
    else
      std::fill(to + length, to + time, 0.0f);
  }
}

}  // namespace
}  // namespace kapre

extern "C" {

int32_t kapre_mix(const kapre_mixture* call, char* message, size_t message_size) {
  using namespace kapre;
  const char* instructions = call ? call->instructions : nullptr;
  return choose(wrong(call), instructions, WIDEST, message, message_size, [&](const Variant& variant) {
    const double points = 2.0 * static_cast<double>(call->rows * call->channels) * static_cast<double>(call->time);
    divide(call->rows, call->threads, points, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t row = first; row < last; ++row) mix_row(variant.effects, *call, row);
    });
  });
}

}  // extern "C"
