// White noise, its sum with a signal at a level, and a signal's energy. Compiled once for each instruction set.

#include <cstdint>

#include "effects.h"
#include "vector.h"

namespace kapre {
namespace KAPRE_NAMESPACE {
namespace {

typedef std::uint32_t U __attribute__((vector_size(4 * L)));
typedef double D __attribute__((vector_size(8 * L)));

constexpr std::uint32_t FIRST_FACTOR = 0x85ebca6b, SECOND_FACTOR = 0xc2b2ae35;  // of MurmurHash3
constexpr std::uint32_t OF_PLACE = 0x9e3779b9, OF_ANGLE = 0x7f4a7c15;

// The final step of MurmurHash3.
inline U mixed(U x) {
  x = (x ^ (x >> 16)) * FIRST_FACTOR;
  x = (x ^ (x >> 13)) * SECOND_FACTOR;
  return x ^ (x >> 16);
}

// Numbers in (0, 1) with 23 random bits each.
inline F fraction(U x) { return (__builtin_convertvector((I)(x >> 9), F) + 0.5f) * 1.1920928955078125e-07f; }

// The cosine and the sine of an angle in turns, from 0 to 1, by Taylor's polynomials on an eighth of a turn.
inline void turned(F turns, F& cosine, F& sine) {
  const F quarters = 4.0f * turns;
  const I quarter = __builtin_convertvector(quarters + 0.5f, I);
  const F angle = (quarters - __builtin_convertvector(quarter, F)) * 1.57079632679489662f;
  const F z = angle * angle;
  const F s = angle + angle * z * (-1.0f / 6 + z * (1.0f / 120 + z * (-1.0f / 5040 + z * (1.0f / 362880))));
  const F c = 1.0f + z * (-0.5f + z * (1.0f / 24 + z * (-1.0f / 720 + z * (1.0f / 40320 + z * (-1.0f / 3628800)))));
  const I crossed = (quarter & 1) == 1;
  const I minus = (quarter & 2) << 30, other = ((quarter + 1) & 2) << 30;  // the bit of the sign
  cosine = (F)((I)(crossed ? s : c) ^ other);
  sine = (F)((I)(crossed ? c : s) ^ minus);
}

template <std::size_t... N>
inline F first_half(F a, F b, std::index_sequence<N...>) {
  return __builtin_shufflevector(a, b, static_cast<int>(N % 2 ? N / 2 + L : N / 2)...);
}

template <std::size_t... N>
inline F second_half(F a, F b, std::index_sequence<N...>) {
  return __builtin_shufflevector(a, b, static_cast<int>((N % 2 ? N / 2 + L : N / 2) + L / 2)...);
}

inline F at(const float* x) { return *reinterpret_cast<const Unaligned*>(x); }

constexpr std::int64_t BLOCK = 1024;  // squares added up in float32

}  // namespace

void white(std::uint32_t first, std::uint32_t second, std::int64_t size, float* out) {
  constexpr auto sequence = std::make_index_sequence<L>{};
  U place;
  for (int l = 0; l < L; ++l) place[l] = static_cast<std::uint32_t>(l);
  for (std::int64_t n = 0; n < size; n += 2 * L, place += L) {
    const U bits = mixed(mixed(place * OF_PLACE + first) ^ second);
    const F radius = root(-2.0f * ln(fraction(bits)));
    F cosine, sine;
    turned(fraction(mixed(bits + OF_ANGLE)), cosine, sine);
    const F x = radius * cosine, y = radius * sine;
    F both[2] = {first_half(x, y, sequence), second_half(x, y, sequence)};
    if (n + 2 * L <= size) {
      *reinterpret_cast<Unaligned*>(out + n) = both[0];
      *reinterpret_cast<Unaligned*>(out + n + L) = both[1];
    } else {
      for (std::int64_t i = 0; i < size - n; ++i) out[n + i] = both[i / L][i % L];
    }
  }
}

double energy(const float* x, std::int64_t size) {
  double total = 0.0;
  for (std::int64_t n = 0; n < size;) {
    const std::int64_t end = n + BLOCK < size ? n + BLOCK : size;
    F sums[4] = {};
    for (; n + 4 * L <= end; n += 4 * L)
      for (int i = 0; i < 4; ++i) sums[i] += at(x + n + i * L) * at(x + n + i * L);
    float rest = 0.0f;
    for (; n < end; ++n) rest += x[n] * x[n];
    const F sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (int l = 0; l < L; ++l) rest += sum[l];
    total += static_cast<double>(rest);
  }
  return total;
}

void blend(const float* x, const float* noise, float gain, std::int64_t size, float* out) {
  std::int64_t n = 0;
  if (!x) {
    for (; n + L <= size; n += L) *reinterpret_cast<Unaligned*>(out + n) = at(noise + n) * gain;
    for (; n < size; ++n) out[n] = noise[n] * gain;
    return;
  }
  for (; n + L <= size; n += L) *reinterpret_cast<Unaligned*>(out + n) = at(x + n) + at(noise + n) * gain;
  for (; n < size; ++n) out[n] = x[n] + noise[n] * gain;
}

}  // namespace KAPRE_NAMESPACE
}  // namespace kapre
