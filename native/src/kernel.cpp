// The spectrum of frames and its inverse, one frame in each lane of a vector. Compiled once for each instruction set and width:
// KAPRE_NAMESPACE and KAPRE_LANES are set by the build.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "plan.h"

namespace kapre {
namespace KAPRE_NAMESPACE {
namespace {

constexpr int L = KAPRE_LANES;
typedef float F __attribute__((vector_size(4 * L)));
typedef std::int32_t I __attribute__((vector_size(4 * L)));
typedef float Unaligned __attribute__((vector_size(4 * L), aligned(4)));

// A complex number of each frame. Two samples in a row are one: the DFT of n real samples is that of n / 2 complex ones.
struct C {
  F re, im;
};

constexpr std::size_t IN_CACHE = 16384;  // bytes of a block whose passes run one after the other

inline F splat(float x) { return x - F{}; }

inline F root(F x) {
  for (int l = 0; l < L; ++l) x[l] = std::sqrt(x[l]);
  return x;
}

// Transposing: L vectors of L values, in log2(L) steps that exchange halves of pairs.

template <int S, std::size_t... N>
inline F low(F a, F b, std::index_sequence<N...>) {
  return __builtin_shufflevector(a, b, ((N & S) ? static_cast<int>(N - S + L) : static_cast<int>(N))...);
}

template <int S, std::size_t... N>
inline F high(F a, F b, std::index_sequence<N...>) {
  return __builtin_shufflevector(a, b, ((N & S) ? static_cast<int>(N + L) : static_cast<int>(N + S))...);
}

template <int S>
inline void exchange(F* v) {
  constexpr auto sequence = std::make_index_sequence<L>{};
  for (int i = 0; i < L; ++i) {
    if (i & S) continue;
    const F a = v[i], b = v[i + S];
    v[i] = low<S>(a, b, sequence);
    v[i + S] = high<S>(a, b, sequence);
  }
}

inline void transpose(F* v) {
  if constexpr (L >= 16) exchange<8>(v);
  if constexpr (L >= 8) exchange<4>(v);
  exchange<2>(v);
  exchange<1>(v);
}

// Samples n ... n + L - 1 of every frame.
inline void columns(const float* const* frames, int n, F* v) {
  for (int l = 0; l < L; ++l) v[l] = *reinterpret_cast<const Unaligned*>(frames[l] + n);
  transpose(v);
}

// Sample n of every frame.
inline F column(const float* const* frames, int n) {
  F v;
  for (int l = 0; l < L; ++l) v[l] = frames[l][n];
  return v;
}

void load(const float* const* frames, int size, F* v) {
  int n = 0;
  for (; n + L <= size; n += L) columns(frames, n, v + n);
  for (; n < size; ++n) v[n] = column(frames, n);
}

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

void pass(const Plan& plan, int number, C* x, int blocks, int m) {
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

// The passes from `number` on over a block of `points`, in place. Their results are in the order of `plan.places`. A
// block that does not fit in the cache is divided by one pass, and its parts are transformed one after the other.
void transform(const Plan& plan, C* x, int points, int number) {
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
    const C a = z[places[k]], b = z[places[m - k]];
    const F even_re = a.re + b.re, even_im = a.im - b.im, re = a.im + b.im, im = b.re - a.re;
    const float c = turns[2 * k], s = turns[2 * k + 1];
    const F odd_re = re * c - im * s, odd_im = re * s + im * c;
    out.put(k, even_re + odd_re, even_im + odd_im);
    out.put(m - k, even_re - odd_re, odd_im - even_im);
  }
}

// The complex DFT's input, from the bins of a real DFT, in place: the inverse of `bins`, times n_fft. Real and imaginary
// parts are exchanged, which makes the inverse of the DFT that follows.
void unbins(const Plan& plan, C* z) {
  const int m = plan.half;
  const float* turns = plan.turns;
  const F first = z[0].re, last = z[m].re;
  z[0] = {first - last, first + last};
  for (int k = 1; k <= m / 2; ++k) {
    const C a = z[k], b = z[m - k];
    const F even_re = a.re + b.re, even_im = a.im - b.im, re = a.re - b.re, im = a.im + b.im;
    const float c = turns[2 * k], s = turns[2 * k + 1];
    const F odd_re = re * c + im * s, odd_im = im * c - re * s;
    z[k] = {odd_re + even_im, even_re - odd_im};
    z[m - k] = {odd_re - even_im, even_re + odd_im};
  }
}

// The natural logarithm, to about 1 unit in the last place: x = 2^e (1 + f) with f around 0, and
// log(1 + f) = f - f^2 / 2 + f^3 P(f). P is a minimax polynomial by Lawson's algorithm; its error is 6e-9 of log(1 + f).
inline F ln(F x) {
  const I tiny = x < 1.17549435e-38f;
  const I bits = (I)(tiny ? x * 8388608.0f : x);
  const I exponent = (bits - 0x3f3504f3) >> 23;
  const F f = (F)(bits - (exponent << 23)) - 1.0f;
  const F e = __builtin_convertvector(exponent + (tiny & -23), F);
  const F z = f * f;
  const F low = (0.333333313f - 0.250008225f * f) + z * (0.200012267f - 0.166233554f * f);
  const F high = (0.142017677f - 0.131602108f * f) + z * (0.127615154f - 0.0763434395f * f);
  const F tail = f * z * (low + z * z * high) - e * 2.12194440e-4f;
  const F y = e * 0.693359375f + (f + (tail - 0.5f * z));
  return x > 0.0f ? (x < INFINITY ? y : x) : (x == 0.0f ? splat(-INFINITY) : splat(NAN));
}

// Writes `count` values of each frame to its row, if it has one.
void store(const F* values, int count, float* const* rows) {
  int v = 0;
  for (; v + L <= count; v += L) {
    F block[L];
    for (int i = 0; i < L; ++i) block[i] = values[v + i];
    transpose(block);
    for (int l = 0; l < L; ++l)
      if (rows[l]) *reinterpret_cast<Unaligned*>(rows[l] + v) = block[l];
  }
  for (; v < count; ++v)
    for (int l = 0; l < L; ++l)
      if (rows[l]) rows[l][v] = values[v][l];
}

constexpr int TERMS = 128;  // added up at a time, so that the rounding of long sums does not grow with their length

// The sum of term(0), term(1), ... in eight partial sums, which do not wait for one another.
template <class Term>
inline F sum_of(int count, const Term term) {
  F total = {};
  for (int n = 0; n < count;) {
    const int end = n + TERMS < count ? n + TERMS : count;
    F sums[8] = {}, rest = {};
    for (; n + 8 <= end; n += 8)
      for (int i = 0; i < 8; ++i) sums[i] += term(n + i);
    for (; n < end; ++n) rest += term(n);
    total += ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7])) + rest;
  }
  return total;
}

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
const Variant variant = {KAPRE_INSTRUCTIONS, L, run, scratch, invert, add};

}  // namespace KAPRE_NAMESPACE
}  // namespace kapre
