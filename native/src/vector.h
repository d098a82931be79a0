// Vectors of KAPRE_LANES numbers: one value of each frame, row or item. For files that are compiled once for each
// instruction set and width: KAPRE_NAMESPACE and KAPRE_LANES are set by the build.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace kapre {
namespace KAPRE_NAMESPACE {
namespace {

constexpr int L = KAPRE_LANES;
typedef float F __attribute__((vector_size(4 * L)));
typedef std::int32_t I __attribute__((vector_size(4 * L)));
typedef float Unaligned __attribute__((vector_size(4 * L), aligned(4)));

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

[[maybe_unused]] void load(const float* const* frames, int size, F* v) {
  int n = 0;
  for (; n + L <= size; n += L) columns(frames, n, v + n);
  for (; n < size; ++n) v[n] = column(frames, n);
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
[[maybe_unused]] void store(const F* values, int count, float* const* rows) {
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

}  // namespace
}  // namespace KAPRE_NAMESPACE
}  // namespace kapre
