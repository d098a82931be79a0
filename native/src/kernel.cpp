// The spectrum of frames and its inverse, one frame in each lane of a vector. Compiled once for each instruction set and width:
// KAPRE_NAMESPACE and KAPRE_LANES are set by the build.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dft.h"
#include "effects.h"
#include "plan.h"
#include "vector.h"

namespace kapre {
namespace KAPRE_NAMESPACE {
namespace {

// Samples n ... n + L - 1 of every frame, times the window, or 0 behind it.
inline void windowed(const Plan& plan, const float* const* frames, int n, F* v) {
  const int width = plan.is.window_length;
  const float* window = plan.is.window;
  if (n + L <= width) {
    columns(frames, n, v);
    for (int i = 0; i < L; ++i) v[i] *= window[n + i];
  } else {
    for (int i = 0; i < L; ++i) v[i] = n + i < width ? column(frames, n + i) * window[n + i] : F{};
  }
}

// The first pass, straight from the samples of frames that need no other preparation than the window.
template <int R>
void first_pass(const Plan& plan, const float* const* frames, C* x, int m) {
  const float* w = plan.twiddles[0];
  for (int p = 0; p < m; p += L / 2) {
    F part[R][L];
    for (int j = 0; j < R; ++j) windowed(plan, frames, 2 * (p + m * j), part[j]);
    for (int q = 0; q < L / 2; ++q, w += 2 * (R - 1)) {
      C a[R];
      for (int j = 0; j < R; ++j) a[j] = {part[j][2 * q], part[j][2 * q + 1]};
      butterfly<R>(a);
      x[p + q] = a[0];
      for (int j = 1; j < R; ++j) {
        const float c = w[2 * j - 2], s = w[2 * j - 1];
        x[p + q + m * j] = {a[j].re * c - a[j].im * s, a[j].re * s + a[j].im * c};
      }
    }
  }
}

// Does the first pass from the samples, or returns false where frames do not fit its blocks.
bool first_pass(const Plan& plan, const float* const* frames, C* x) {
  const int m = plan.passes ? plan.half / plan.radix[0] : 0;
  if (m < 2 || m % (L / 2)) return false;
  switch (plan.radix[0]) {
    case 2: first_pass<2>(plan, frames, x, m); break;
    case 3: first_pass<3>(plan, frames, x, m); break;
    case 4: first_pass<4>(plan, frames, x, m); break;
    case 5: first_pass<5>(plan, frames, x, m); break;
    case 7: first_pass<7>(plan, frames, x, m); break;
    default: first_pass<8>(plan, frames, x, m); break;
  }
  return true;
}

struct Power {
  F* out;
  float epsilon;
  void put(int k, F re, F im) const { out[k] = re * re + im * im; }
};

struct Magnitude {
  F* out;
  float epsilon;
  void put(int k, F re, F im) const { out[k] = root(re * re + im * im + epsilon); }
};

struct Complex {
  F* out;
  float epsilon;
  void put(int k, F re, F im) const {
    out[2 * k] = re;
    out[2 * k + 1] = im;
  }
};

F in_band(const F* power, const float* weights, int size) {
  F total = {};
  for (int n = 0; n < size;) {
    const int end = n + TERMS < size ? n + TERMS : size;
    F sum = {}, other = {};
    for (; n + 2 <= end; n += 2) {
      sum += power[n] * weights[n];
      other += power[n + 1] * weights[n + 1];
    }
    if (n < end) {
      sum += power[n] * weights[n];
      ++n;
    }
    total += sum + other;
  }
  return total;
}

// Number of vectors of scratch memory for the samples of frames, and for their bins.
int vectors_of_samples(const Plan& plan) {
  const int spectrum = 2 * plan.bins;  // more than n_fft
  return (plan.is.frame_length > spectrum ? plan.is.frame_length : spectrum) + L;
}
int vectors_of_bins(const Plan& plan) { return 2 * plan.bins; }

std::size_t scratch(const Plan& plan) {
  return static_cast<std::size_t>(vectors_of_samples(plan) + vectors_of_bins(plan) + plan.values) * L;
}

// Writes the frames to t, prepared and windowed, and the logarithm of their energy.
void prepare(const Plan& plan, const float* const* frames, float* const* energies, F* t) {
  const kapre_description& is = plan.is;
  const float* window = plan.is.window;
  const int size = is.frame_length, width = is.window_length;
  load(frames, size, t);
  if (is.remove_dc) {
    // Subtract the first sample first, so that a constant becomes exactly 0. The mean of the differences is rounded, so
    // subtract the mean of what is left too.
    const F first = t[0], length = splat(static_cast<float>(size));
    const F mean = sum_of(size, [=](int n) { return t[n] -= first; }) / length;
    const F left = sum_of(size, [=](int n) { return t[n] -= mean; }) / length;
    for (int n = 0; n < size; ++n) t[n] -= left;
  }
  if (is.energy) {
    const F sum = sum_of(size, [=](int n) { return t[n] * t[n]; });
    const F energy = ln(sum < is.least_energy ? splat(is.least_energy) : sum);
    for (int l = 0; l < L; ++l)
      if (energies[l]) *energies[l] = energy[l];
  }
  F before = is.preemphasis_first ? t[0] : F{};
  for (int n = 0; n < width; ++n) {
    const F now = t[n];
    t[n] = (now - is.preemphasis * before) * window[n];
    before = now;
  }
  for (int n = width; n < is.n_fft; ++n) t[n] = F{};
}

void run(const Plan& plan, const float* const* frames, float* const* rows, float* const* energies, float* memory) {
  const kapre_description& is = plan.is;
  F* t = reinterpret_cast<F*>(memory);
  F* spectrum = t + vectors_of_samples(plan);
  F* values = spectrum + vectors_of_bins(plan);
  C* z = reinterpret_cast<C*>(t);
  const bool plain = !is.remove_dc && !is.energy && is.preemphasis == 0.0f;
  if (plain && first_pass(plan, frames, z)) {
    const int parts = plan.radix[0], m = plan.half / parts;
    if (plan.half * sizeof(C) > IN_CACHE) {
      for (int j = 0; j < parts; ++j) transform(plan, z + j * m, m, 1);
    } else {
      int blocks = parts, points = m;
      for (int number = 1; number < plan.passes; ++number) {
        points /= plan.radix[number];
        pass(plan, number, z, blocks, points);
        blocks *= plan.radix[number];
      }
    }
  } else {
    prepare(plan, frames, energies, t);
    transform(plan, z, plan.half, 0);
  }
  if (is.spectrum == KAPRE_COMPLEX) {
    bins(plan, z, Complex{spectrum, 0.0f});
    return store(spectrum, plan.values, rows);
  }
  if (is.spectrum == KAPRE_POWER)
    bins(plan, z, Power{spectrum, 0.0f});
  else
    bins(plan, z, Magnitude{spectrum, is.magnitude_epsilon});
  const F* bands = spectrum;
  if (is.bands) {
    const float* weights = is.weights;
    for (int b = 0; b < is.bands; weights += is.band_size[b++])
      values[b] = in_band(spectrum + is.band_first[b], weights, is.band_size[b]);
    bands = values;
  }
  if (is.log != KAPRE_NO_LOG) {
    const F amin = splat(is.amin);
    for (int b = 0; b < plan.values; ++b) {
      const F x = bands[b];
      const F y = ln(is.amin_is_added ? x + amin : (x < amin ? amin : x));
      values[b] = is.log == KAPRE_LN ? y : y * plan.log_scale - is.reference;
    }
    bands = values;
  }
  store(bands, plan.values, rows);
}

void invert(const Plan& plan, const float* const* spectra, float* const* rows, float* memory) {
  F* t = reinterpret_cast<F*>(memory);
  C* z = reinterpret_cast<C*>(t);
  load(spectra, 2 * plan.bins, t);
  unbins(plan, z);
  transform(plan, z, plan.half, 0);
  const std::int32_t* places = plan.places;
  const float* window = plan.is.window;
  const int width = plan.is.window_length;
  const auto sample = [=](int n) { return (n % 2 ? z[places[n / 2]].re : z[places[n / 2]].im) * window[n]; };
  int n = 0;
  for (; n + L <= width; n += L) {
    F block[L];
    for (int i = 0; i < L; ++i) block[i] = sample(n + i);
    transpose(block);
    for (int l = 0; l < L; ++l) *reinterpret_cast<Unaligned*>(rows[l] + n) = block[l];
  }
  for (; n < width; ++n) {
    const F x = sample(n);
    for (int l = 0; l < L; ++l) rows[l][n] = x[l];
  }
}

void add(const float* from, std::int64_t count, float* to) {
  for (std::int64_t i = 0; i < count; ++i) to[i] += from[i];
}

}  // namespace

extern const Variant variant;
const Variant variant = {KAPRE_INSTRUCTIONS,
                         L,
                         run,
                         scratch,
                         invert,
                         add,
                         {white, energy, blend, filter, spectra, convolve, memory_to_convolve}};

}  // namespace KAPRE_NAMESPACE
}  // namespace kapre
