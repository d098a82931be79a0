// Running a plan with KAPRE_INVERSE: frames of complex spectra, and their sum at their places.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "enter.h"
#include "plan.h"
#include "threads.h"

namespace kapre {
namespace {

// Divides samples by the sum of the squared windows of the frames that are there, hop_length apart, and makes them 0
// where there are none. Sums that depend on neither the sample nor the item are made once.
class Overlap {
 public:
  explicit Overlap(const Plan& plan) : hop_(plan.is.hop_length), width_(plan.is.frame_length) {
    squares_.resize(static_cast<std::size_t>(width_));  // zeros behind a shorter window
    for (std::size_t n = 0; n < static_cast<std::size_t>(plan.is.window_length); ++n) {
      const double w = static_cast<double>(plan.is.window[n]) * plan.is.n_fft;  // the plan has it divided
      squares_[n] = w * w;
    }
    // Sample t of the first frame is reached by the frames that begin up to there, and sample t behind the beginning of
    // a frame that is not there by those before it.
    std::vector<double> until = squares_, from = squares_;
    for (std::size_t n = hop(); n < until.size(); ++n) until[n] += until[n - hop()];
    for (std::size_t n = from.size(); n-- > hop();) from[n - hop()] += from[n];
    const std::size_t whole = std::min(hop(), squares_.size());
    whole_.assign(hop(), divisor(0.0));
    std::transform(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(whole), whole_.begin(), divisor);
    begin_.resize(until.size());
    std::transform(until.begin(), until.end(), begin_.begin(), divisor);
    end_.assign(squares_.size(), divisor(0.0));
    if (whole < from.size()) std::transform(from.begin() + static_cast<std::ptrdiff_t>(whole), from.end(), end_.begin(), divisor);
  }

  // Divides `count` samples from `start` on, counted from the beginning of the first of `frames` frames.
  void apply(std::int64_t start, std::int64_t count, std::int64_t frames, float* samples) {
    const std::int64_t end = start + count;
    float* const at = samples - start;
    if ((frames - 1) * hop_ < width_) {  // a sample may miss frames on both sides
      const float* const by = few(frames);
      for (std::int64_t t = start; t < end; ++t) at[t] /= by[t];
      return;
    }
    const std::int64_t inside = std::min(end, std::max(start, width_)), outside = std::min(end, std::max(inside, frames * hop_));
    for (std::int64_t t = start; t < inside; ++t) at[t] /= begin_[static_cast<std::size_t>(t)];
    for (std::int64_t t = inside; t < outside;) {  // all frames that can reach a sample are there
      const std::int64_t stop = std::min(outside, t - t % hop_ + hop_);
      const float* const by = whole_.data() + t % hop_;
      for (std::int64_t i = 0; i < stop - t; ++i) at[t + i] /= by[i];
      t = stop;
    }
    const float* const by = end_.data() - frames * hop_;
    for (std::int64_t t = outside; t < end; ++t) at[t] /= by[t];
  }

 private:
  std::size_t hop() const { return static_cast<std::size_t>(hop_); }

  static float divisor(double sum) {
    return sum > std::numeric_limits<float>::min() ? static_cast<float>(sum) : std::numeric_limits<float>::infinity();
  }

  const float* few(std::int64_t frames) {
    if (frames != few_frames_) {
      std::vector<double> sums(static_cast<std::size_t>((frames - 1) * hop_ + width_));
      for (std::size_t f = 0; f < static_cast<std::size_t>(frames); ++f)
        for (std::size_t n = 0; n < squares_.size(); ++n) sums[f * hop() + n] += squares_[n];
      few_.resize(sums.size());
      std::transform(sums.begin(), sums.end(), few_.begin(), divisor);
      few_frames_ = frames;
    }
    return few_.data();
  }

  std::int64_t hop_, width_, few_frames_ = -1;
  std::vector<double> squares_;
  std::vector<float> whole_, begin_, end_, few_;
};

// The scratch memory of a thread, and the places in it that a kernel writes frames to.
class Frames {
 public:
  Frames(const Plan& plan, const Variant& variant)
      : needed_(variant.scratch(plan)),
        width_((static_cast<std::size_t>(plan.is.window_length) + 15) / 16 * 16),
        scratch_(needed_ + width_ * static_cast<std::size_t>(variant.lanes)) {
    for (int l = 0; l < variant.lanes; ++l) rows[l] = scratch_.get() + needed_ + width_ * static_cast<std::size_t>(l);
  }
  float* memory() const { return scratch_.get(); }
  float* rows[MOST_LANES];

 private:
  std::size_t needed_, width_;
  Scratch scratch_;
};

// Writes samples begin ... end - 1 of an item.
void invert_part(const Plan& plan, const Variant& variant, const kapre_inversion& call, Overlap* overlap,
                 const Frames& frames, std::int64_t item, std::int64_t begin, std::int64_t end) {
  const std::int64_t hop = plan.is.hop_length, width = plan.is.window_length, left = call.left;
  const std::int64_t count =
      call.counts ? std::min(std::max<std::int64_t>(call.counts[item], 0), call.frames) : call.frames;
  float* const samples = call.samples + item * call.time;
  std::fill(samples + begin, samples + end, 0.0f);
  const std::int64_t length = count ? (count - 1) * hop + plan.is.frame_length - left - call.right : 0;
  end = std::min(end, length);
  if (begin >= end) return;
  const std::int64_t from = begin + left, to = end + left;  // counted from the beginning of the first frame
  const std::int64_t first = from < width ? 0 : (from - width) / hop + 1, last = std::min(count, (to + hop - 1) / hop);
  const float* spectra[MOST_LANES];
  for (std::int64_t frame = first; frame < last; frame += variant.lanes) {
    for (int l = 0; l < variant.lanes; ++l)
      spectra[l] = call.spectra + (item * call.frames + std::min(frame + l, last - 1)) * plan.values;
    variant.invert(plan, spectra, frames.rows, frames.memory());
    for (std::int64_t f = frame; f < std::min(frame + variant.lanes, last); ++f) {
      const std::int64_t start = f * hop - left, a = std::max(start, begin), b = std::min(start + width, end);
      if (a < b) variant.add(frames.rows[f - frame] + (a - start), b - a, samples + a);
    }
  }
  if (overlap) overlap->apply(from, end - begin, count, samples + begin);
}

const char* wrong(const Plan& plan, const kapre_inversion& call) {
  if (plan.is.spectrum != KAPRE_INVERSE) return "this plan does not invert a spectrum";
  if (call.items < 0 || call.frames < 0 || call.time < 0 || call.left < 0 || call.right < 0)
    return "items, frames, time and what is left out must be at least 0";
  if (call.items && call.time && (!call.samples || (!call.spectra && call.frames))) return "spectra and samples are needed";
  return nullptr;
}

void run(const Plan& plan, const Variant& variant, const kapre_inversion& call) {
  const std::int64_t total = call.items * call.time;
  const double frames = static_cast<double>(total) / plan.is.hop_length;
  divide(total, call.threads, frames * plan.is.n_fft, [&](std::int64_t begin, std::int64_t end) {
    const Frames memory(plan, variant);
    const std::unique_ptr<Overlap> overlap(call.normalise ? new Overlap(plan) : nullptr);
    for (std::int64_t at = begin; at < end;) {
      const std::int64_t item = at / call.time, start = item * call.time, stop = std::min(end, start + call.time);
      invert_part(plan, variant, call, overlap.get(), memory, item, at - start, stop - start);
      at = stop;
    }
  });
}

}  // namespace
}  // namespace kapre

extern "C" {

int32_t kapre_plan_invert(const void* memory, size_t size, const kapre_inversion* call, char* message,
                          size_t message_size) {
  using namespace kapre;
  const auto is_empty = [](const kapre_inversion& c) { return !c.items || !c.time; };
  return enter(memory, size, call, message, message_size, wrong, is_empty, run);
}

}  // extern "C"
