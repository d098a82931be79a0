// Products of spectra, one block of a row in each lane of a vector. Compiled once for each instruction set.

#include <cstdint>

#include "dft.h"
#include "effects.h"
#include "plan.h"
#include "vector.h"

namespace kapre {
namespace KAPRE_NAMESPACE {
namespace {

struct Scaled {
  F* out;
  float scale;
  void put(int k, F re, F im) const {
    out[2 * k] = re * scale;
    out[2 * k + 1] = im * scale;
  }
};

// The response of all lanes, or of each.
struct Shared {
  const float* h;
  float re(int k) const { return h[2 * k]; }
  float im(int k) const { return h[2 * k + 1]; }
};
struct Apart {
  const F* h;
  F re(int k) const { return h[2 * k]; }
  F im(int k) const { return h[2 * k + 1]; }
};

template <class Response>
inline C times(C x, const Response& h, int k) {
  return {x.re * h.re(k) - x.im * h.im(k), x.re * h.im(k) + x.im * h.re(k)};
}

// `bins`, the product with a response, and `unbins`, bin by bin.
template <class Response>
void multiply(const Plan& plan, const C* z, const Response h, C* y) {
  const int m = plan.half;
  const std::int32_t* places = plan.places;
  const float* turns = plan.turns;
  const C first = z[places[0]];
  const F sum = first.re + first.im, difference = first.re - first.im;
  const F low = (sum + sum) * h.re(0), high = (difference + difference) * h.re(m);
  y[0] = {low - high, low + high};
  for (int k = 1; k <= m / 2; ++k) {
    const float c = turns[2 * k], s = turns[2 * k + 1];
    C a, b;
    unfold(z[places[k]], z[places[m - k]], c, s, a, b);
    fold(times(a, h, k), times(b, h, m - k), c, s, y[k], y[m - k]);
  }
}

}  // namespace

std::size_t memory_to_convolve(const Plan& plan) { return static_cast<std::size_t>(3 * 2 * plan.bins) * L; }

void spectra(const Plan& plan, const float* const* rows, int count, float* const* out, float* memory) {
  F* t = reinterpret_cast<F*>(memory);
  F* spectrum = t + 2 * plan.bins;
  C* z = reinterpret_cast<C*>(t);
  load(rows, count, t);
  for (int n = count; n < plan.is.n_fft; ++n) t[n] = F{};
  transform(plan, z, plan.half, 0);
  bins(plan, z, Scaled{spectrum, 0.25f / static_cast<float>(plan.is.n_fft)});
  store(spectrum, 2 * plan.bins, out);
}

void convolve(const Plan& plan, const float* const* frames, const float* const* responses, const int* begin,
              const int* end, float* const* out, float* memory) {
  const int n_fft = plan.is.n_fft;
  F* t = reinterpret_cast<F*>(memory);
  C* z = reinterpret_cast<C*>(t);
  C* y = z + plan.bins;
  load(frames, n_fft, t);
  transform(plan, z, plan.half, 0);
  bool shared = true;
  for (int l = 1; l < L; ++l) shared = shared && responses[l] == responses[0];
  if (shared) {
    multiply(plan, z, Shared{responses[0]}, y);
  } else {
    F* h = reinterpret_cast<F*>(y + plan.bins);
    load(responses, 2 * plan.bins, h);
    multiply(plan, z, Apart{h}, y);
  }
  transform(plan, y, plan.half, 0);
  const std::int32_t* places = plan.places;
  const auto sample = [=](int n) { return n % 2 ? y[places[n / 2]].re : y[places[n / 2]].im; };
  int least = n_fft;
  for (int l = 0; l < L; ++l)
    if (out[l] && begin[l] < least) least = begin[l];
  for (int n = least / L * L; n < n_fft; n += L) {
    F block[L];
    const int some = n + L <= n_fft ? L : n_fft - n;
    for (int i = 0; i < L; ++i) block[i] = i < some ? sample(n + i) : F{};
    transpose(block);
    for (int l = 0; l < L; ++l) {
      if (!out[l] || n + L <= begin[l] || n >= end[l]) continue;
      if (n >= begin[l] && n + L <= end[l]) {
        *reinterpret_cast<Unaligned*>(out[l] + (n - begin[l])) = block[l];
      } else {
        for (int i = 0; i < L; ++i)
          if (n + i >= begin[l] && n + i < end[l]) out[l][n + i - begin[l]] = block[l][i];
      }
    }
  }
}

}  // namespace KAPRE_NAMESPACE
}  // namespace kapre
