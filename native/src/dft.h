// The DFT of frames, one in each lane of a vector, and its inverse.
#pragma once

#include <cstddef>
#include <cstdint>

#include "plan.h"
#include "vector.h"

namespace kapre {
namespace KAPRE_NAMESPACE {
namespace {

// A complex number of each frame. Two samples in a row are one: the DFT of n real samples is that of n / 2 complex ones.
struct C {
  F re, im;
};

constexpr std::size_t IN_CACHE = 16384;  // bytes of a block whose passes run one after the other

// Butterflies: the DFT of R values, in place.

template <int R>
struct Circle;  // cos and sin of 2 pi k / R
template <>
struct Circle<3> {
  static constexpr float cosine[] = {1.0f, -0.5f, -0.5f};
  static constexpr float sine[] = {0.0f, 0.866025403784438647f, -0.866025403784438647f};
};
template <>
struct Circle<5> {
  static constexpr float cosine[] = {1.0f, 0.309016994374947424f, -0.809016994374947424f, -0.809016994374947424f,
                                     0.309016994374947424f};
  static constexpr float sine[] = {0.0f, 0.951056516295153572f, 0.587785252292473129f, -0.587785252292473129f,
                                   -0.951056516295153572f};
};
template <>
struct Circle<7> {
  static constexpr float cosine[] = {1.0f,
                                     0.623489801858733531f,
                                     -0.222520933956314404f,
                                     -0.900968867902419126f,
                                     -0.900968867902419126f,
                                     -0.222520933956314404f,
                                     0.623489801858733531f};
  static constexpr float sine[] = {0.0f,
                                   0.781831482468029809f,
                                   0.974927912181823607f,
                                   0.433883739117558120f,
                                   -0.433883739117558120f,
                                   -0.974927912181823607f,
                                   -0.781831482468029809f};
};

template <int R>
inline void butterfly(C* a) {
  static_assert(R % 2 == 1, "an odd radix");
  constexpr int H = R / 2;
  C sum[H], difference[H];
  C total = a[0];
  for (int k = 0; k < H; ++k) {
    const C x = a[k + 1], y = a[R - 1 - k];
    sum[k] = {x.re + y.re, x.im + y.im};
    difference[k] = {x.re - y.re, x.im - y.im};
    total.re += sum[k].re;
    total.im += sum[k].im;
  }
  for (int j = 1; j <= H; ++j) {
    C even = a[0], odd = {F{}, F{}};
    for (int k = 0; k < H; ++k) {
      const float c = Circle<R>::cosine[j * (k + 1) % R], s = Circle<R>::sine[j * (k + 1) % R];
      even.re += c * sum[k].re;
      even.im += c * sum[k].im;
      odd.re += s * difference[k].im;
      odd.im -= s * difference[k].re;
    }
    a[j] = {even.re + odd.re, even.im + odd.im};
    a[R - j] = {even.re - odd.re, even.im - odd.im};
  }
  a[0] = total;
}

template <>
inline void butterfly<2>(C* a) {
  const C x = a[0], y = a[1];
  a[0] = {x.re + y.re, x.im + y.im};
  a[1] = {x.re - y.re, x.im - y.im};
}

template <>
inline void butterfly<4>(C* a) {
  const C s = {a[0].re + a[2].re, a[0].im + a[2].im}, d = {a[0].re - a[2].re, a[0].im - a[2].im};
  const C t = {a[1].re + a[3].re, a[1].im + a[3].im}, e = {a[1].re - a[3].re, a[1].im - a[3].im};
  a[0] = {s.re + t.re, s.im + t.im};
  a[1] = {d.re + e.im, d.im - e.re};
  a[2] = {s.re - t.re, s.im - t.im};
  a[3] = {d.re - e.im, d.im + e.re};
}

template <>
inline void butterfly<8>(C* a) {
  constexpr float h = 0.707106781186547524f;
  C even[4] = {a[0], a[2], a[4], a[6]}, odd[4] = {a[1], a[3], a[5], a[7]};
  butterfly<4>(even);
  butterfly<4>(odd);
  const C turned[4] = {odd[0],
                       {h * (odd[1].re + odd[1].im), h * (odd[1].im - odd[1].re)},
                       {odd[2].im, -odd[2].re},
                       {h * (odd[3].im - odd[3].re), -h * (odd[3].re + odd[3].im)}};
  for (int j = 0; j < 4; ++j) {
    a[j] = {even[j].re + turned[j].re, even[j].im + turned[j].im};
    a[j + 4] = {even[j].re - turned[j].re, even[j].im - turned[j].im};
  }
}

// One pass by decimation in frequency, in place, over blocks of R m points. Part j of a block then holds the DFT's
// values j, j + R, ..., to be transformed by the next passes.
template <int R>
void pass(C* x, int blocks, int m, const float* twiddles) {
  if (m == 1) {
    for (int b = 0; b < blocks; ++b, x += R) {
      C a[R];
      for (int j = 0; j < R; ++j) a[j] = x[j];
      butterfly<R>(a);
      for (int j = 0; j < R; ++j) x[j] = a[j];
    }
    return;
  }
  for (int b = 0; b < blocks; ++b, x += R * m) {
    const float* w = twiddles;
    for (int p = 0; p < m; ++p, w += 2 * (R - 1)) {
      C a[R];
      for (int j = 0; j < R; ++j) a[j] = x[p + m * j];
      butterfly<R>(a);
      x[p] = a[0];
      for (int j = 1; j < R; ++j) {
        const float c = w[2 * j - 2], s = w[2 * j - 1];
        x[p + m * j] = {a[j].re * c - a[j].im * s, a[j].re * s + a[j].im * c};
      }
    }
  }
}

[[maybe_unused]] void pass(const Plan& plan, int number, C* x, int blocks, int m) {
  const float* w = plan.twiddles[number];
  switch (plan.radix[number]) {
    case 2: return pass<2>(x, blocks, m, w);
    case 3: return pass<3>(x, blocks, m, w);
    case 4: return pass<4>(x, blocks, m, w);
    case 5: return pass<5>(x, blocks, m, w);
    case 7: return pass<7>(x, blocks, m, w);
    default: return pass<8>(x, blocks, m, w);
  }
}

// The passes from `number` on over a block of `points`, in place. Their results are in the order of `plan.places`. A
// block that does not fit in the cache is divided by one pass, and its parts are transformed one after the other.
[[maybe_unused]] void transform(const Plan& plan, C* x, int points, int number) {
  if (points * sizeof(C) > IN_CACHE && number + 1 < plan.passes) {
    const int m = points / plan.radix[number];
    pass(plan, number, x, 1, m);
    for (int j = 0; j < plan.radix[number]; ++j) transform(plan, x + j * m, m, number + 1);
    return;
  }
  for (int blocks = 1; number < plan.passes; ++number) {
    points /= plan.radix[number];
    pass(plan, number, x, blocks, points);
    blocks *= plan.radix[number];
  }
}

// Bins k and m - k of the real DFT of 2 m samples, times 2, from those of the complex DFT, and back. (c, s) is e^(-i pi k / m).
inline void unfold(C a, C b, float c, float s, C& low, C& high) {
  const F even_re = a.re + b.re, even_im = a.im - b.im, re = a.im + b.im, im = b.re - a.re;
  const F odd_re = re * c - im * s, odd_im = re * s + im * c;
  low = {even_re + odd_re, even_im + odd_im};
  high = {even_re - odd_re, odd_im - even_im};
}

// Real and imaginary parts are exchanged, which makes the inverse of the DFT that follows.
inline void fold(C a, C b, float c, float s, C& low, C& high) {
  const F even_re = a.re + b.re, even_im = a.im - b.im, re = a.re - b.re, im = a.im + b.im;
  const F odd_re = re * c + im * s, odd_im = im * c - re * s;
  low = {odd_re + even_im, even_re - odd_im};
  high = {odd_re - even_im, even_re + odd_im};
}

// The bins of the real DFT, from the complex DFT of halved samples.
template <class Out>
void bins(const Plan& plan, const C* z, const Out out) {
  const int m = plan.half;
  const std::int32_t* places = plan.places;
  const float* turns = plan.turns;
  const C first = z[places[0]];
  const F sum = first.re + first.im, difference = first.re - first.im;
  out.put(0, sum + sum, F{});
  out.put(m, difference + difference, F{});
  for (int k = 1; k <= m / 2; ++k) {
    C low, high;
    unfold(z[places[k]], z[places[m - k]], turns[2 * k], turns[2 * k + 1], low, high);
    out.put(k, low.re, low.im);
    out.put(m - k, high.re, high.im);
  }
}

// The complex DFT's input, from the bins of a real DFT, in place: the inverse of `bins`, times n_fft.
[[maybe_unused]] void unbins(const Plan& plan, C* z) {
  const int m = plan.half;
  const float* turns = plan.turns;
  const F first = z[0].re, last = z[m].re;
  z[0] = {first - last, first + last};
  for (int k = 1; k <= m / 2; ++k) {
    const C a = z[k], b = z[m - k];
    fold(a, b, turns[2 * k], turns[2 * k + 1], z[k], z[m - k]);
  }
}

}  // namespace
}  // namespace KAPRE_NAMESPACE
}  // namespace kapre
